namespace LlavaCluster.Core.Tiering;

/// <summary>When KV blocks go to slower memory. How much of that there is, the runner's <see cref="IBlockMover"/> says.</summary>
public sealed record KvTierOptions
{
    /// <summary>Blocks that are moved together, and lie in one file on the disk; at least 1.</summary>
    public int GroupBlocks { get; init; } = 32;

    /// <summary>A block that nobody has used for so long is copied to host memory, as long as there is room.</summary>
    public TimeSpan HostAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A block in host memory that nobody has used for so long is copied to the disk, as long as there is room.</summary>
    public TimeSpan DiskAfter { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A disk that could not be written, because it is full for one, is left alone for so long.</summary>
    public TimeSpan DiskRetryAfter { get; init; } = TimeSpan.FromMinutes(1);
}
