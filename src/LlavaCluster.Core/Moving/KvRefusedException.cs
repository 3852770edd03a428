namespace LlavaCluster.Core.Moving;

/// <summary>Another replica does not lend its KV; the message is its reason.</summary>
public sealed class KvRefusedException(string message) : Exception(message);
