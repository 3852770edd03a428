namespace LlavaCluster.Core.Checkpoint;

/// <summary>A checkpoint folder cannot be served. The message names file, tensor or key, the numbers, and the way out.</summary>
public sealed class BadCheckpointException : Exception
{
    /// <summary>With the sentence for the operator.</summary>
    public BadCheckpointException(string message)
        : base(message)
    {
    }

    /// <summary>With the sentence for the operator and what lay below.</summary>
    public BadCheckpointException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
