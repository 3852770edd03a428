namespace LlavaCluster.Core.Moving;

/// <summary>Another replica does not lend its KV; the message is its reason.</summary>
internal sealed class KvRefusedException(string message) : Exception(message);
