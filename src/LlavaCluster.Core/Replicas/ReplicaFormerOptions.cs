namespace LlavaCluster.Core.Replicas;

/// <summary>How patient a replica is with its seats.</summary>
public sealed record ReplicaFormerOptions
{
    /// <summary>A seat that is not heard of for so long does not count any more.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a rank that served before may be missing before a spare seat takes its place.</summary>
    public TimeSpan SpareAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The same, as long as the replica was never formed: ranks start at different times.</summary>
    public TimeSpan SpareAtStart { get; init; } = TimeSpan.FromSeconds(30);
}
