namespace LlavaCluster.Core.Engine;

/// <summary>What a decode loop takes on.</summary>
public sealed record DecodeLoopOptions
{
    /// <summary>Sequences that may wait; the next one is refused.</summary>
    public int MaxWaiting { get; init; } = 64;

    /// <summary>Sequences that are computed at once.</summary>
    public int MaxRunning { get; init; } = 16;

    /// <summary>Tokens of a step: all running decodes, then chunks of prompts. At least <see cref="MaxRunning"/>.</summary>
    public int StepTokens { get; init; } = 512;

    /// <summary>Images that a runner keeps, projected, after the last sequence that needed them.</summary>
    public int IdleImages { get; init; } = 4;

    /// <summary>Formation of the replica's ranks.</summary>
    public long Epoch { get; init; }

    /// <summary>A sequence whose events nobody reads for so long is dropped.</summary>
    public TimeSpan AbandonedAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Steps that fail one after the other before the engine calls itself unhealthy.</summary>
    public int UnhealthyAfter { get; init; } = 3;
}
