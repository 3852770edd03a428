using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Tiering;

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

    /// <summary>Chunks of prompts end at positions that are multiples of this; see <see cref="SchedulerLimits.ChunkTokens"/>.</summary>
    public int ChunkTokens { get; init; } = 64;

    /// <summary>Name of the weights: KV of another name is never taken.</summary>
    public string Checkpoint { get; init; } = "";

    /// <summary>Images that a runner keeps, projected, after the last sequence that needed them.</summary>
    public int IdleImages { get; init; } = 4;

    /// <summary>Formation of the replica's ranks.</summary>
    public long Epoch { get; init; }

    /// <summary>A sequence whose events nobody reads for so long is dropped.</summary>
    public TimeSpan AbandonedAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>When KV blocks go to slower memory, where the runner has any.</summary>
    public KvTierOptions Tiers { get; init; } = new();

    /// <summary>Steps that fail one after the other before the engine calls itself unhealthy.</summary>
    public int UnhealthyAfter { get; init; } = 3;

    /// <summary>What a scheduler over such a runner must keep to.</summary>
    internal SchedulerLimits LimitsFor(RunnerCapacity capacity) =>
        new(StepTokens, MaxRunning, capacity.BlockTokens, capacity.MaxPositions) { ChunkTokens = ChunkTokens };
}
