namespace LlavaCluster.Model;

/// <summary>What a runner is given beside its weights.</summary>
public sealed record ModelRunnerOptions
{
    /// <summary>KV blocks, at least 1; the same on all ranks. <see cref="ModelRunner.KvBlockBytes"/> tells what one costs.</summary>
    public required int KvBlocks { get; init; }
}
