namespace LlavaCluster.Core.Sessions;

/// <summary>
/// A session's log cannot be read or written now. An append may have happened or not: who goes on reads the log again first. The message
/// is meant for the client.
/// </summary>
public sealed class TurnLogUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
