namespace LlavaCluster.Core.Sessions;

/// <summary>
/// Conversations or images cannot be read or written now. What was being written may be there or not: who goes on reads again first. The
/// message is meant for the client.
/// </summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
