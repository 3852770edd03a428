namespace LlavaCluster.Core.Engine;

/// <summary>Why an engine does not take a sequence.</summary>
public enum RefusalReason
{
    /// <summary>It does not fit the model's context or the KV cache, now or ever.</summary>
    NeverFits,

    /// <summary>The queue is full; later it may fit.</summary>
    QueueFull,

    /// <summary>The engine is stopping.</summary>
    Stopping,
}

/// <summary>An engine did not take a sequence. The message has the numbers and the way out.</summary>
public sealed class SequenceRefusedException(RefusalReason reason, string message) : Exception(message)
{
    /// <summary>Why.</summary>
    public RefusalReason Reason { get; } = reason;
}
