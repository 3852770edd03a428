namespace LlavaCluster.Client.Commands;

/// <summary>Something that the person at the terminal can put right. The message says what and how.</summary>
internal sealed class UserErrorException(string message) : Exception(message);
