using System.ComponentModel.DataAnnotations;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Silo.Hosting;

/// <summary>Slower memory for the KV of idle conversations. Configuration section <c>Llava</c>.</summary>
internal sealed class TierOptions
{
    /// <summary>
    /// Memory for KV blocks that left those of <c>KvCacheMib</c>, MiB; 0: none; -1: an eighth of the free memory, at
    /// most as much again as those.
    /// </summary>
    [Range(-1, 1 << 24)]
    public int KvHostMib { get; set; } = -1;

    /// <summary>
    /// Disk space under the data folder for KV blocks that left host memory, MiB; 0: none; -1: a tenth of what is
    /// free, at most four times the blocks of <c>KvCacheMib</c>.
    /// </summary>
    [Range(-1, 1 << 24)]
    public int KvDiskMib { get; set; } = -1;

    /// <summary>Blocks that were not used for so long are copied to host memory where there is room, seconds.</summary>
    [Range(0, 1 << 24)]
    public int KvHostSeconds { get; set; } = 10;

    /// <summary>Blocks in host memory that were not used for so long are copied to the disk where there is room, seconds.</summary>
    [Range(0, 1 << 24)]
    public int KvDiskSeconds { get; set; } = 300;

    /// <summary>When blocks move.</summary>
    public KvTierOptions Times => new()
    {
        HostAfter = TimeSpan.FromSeconds(KvHostSeconds),
        DiskAfter = TimeSpan.FromSeconds(KvDiskSeconds),
    };
}
