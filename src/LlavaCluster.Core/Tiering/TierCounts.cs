namespace LlavaCluster.Core.Tiering;

/// <summary>Where KV blocks are, and what was moved since the start. Blocks may be in several places at once.</summary>
public sealed record TierCounts
{
    /// <summary>Blocks that can be found on the device.</summary>
    public int Device { get; init; }

    /// <summary>Blocks in host memory.</summary>
    public int Host { get; init; }

    /// <summary>Blocks on the disk.</summary>
    public int Disk { get; init; }

    /// <summary>Blocks copied from the device to host memory.</summary>
    public long ToHost { get; init; }

    /// <summary>Blocks written from host memory to the disk.</summary>
    public long ToDisk { get; init; }

    /// <summary>Blocks that a turn found in host memory.</summary>
    public long FromHost { get; init; }

    /// <summary>Blocks that a turn found on the disk.</summary>
    public long FromDisk { get; init; }

    /// <summary>How often a turn left the rest of its blocks below, since computing them is faster.</summary>
    public long NotWorthMoving { get; init; }

    /// <summary>Blocks whose content was lost, since their memory was needed before they were copied.</summary>
    public long Lost { get; init; }

    /// <summary>Bytes per second from host memory to the device; 0: not measured yet.</summary>
    public double HostRate { get; init; }

    /// <summary>Bytes per second from the disk to the device; 0: not measured yet.</summary>
    public double DiskRate { get; init; }

    /// <summary>Prompt tokens computed per second; 0: not measured yet.</summary>
    public double PrefillRate { get; init; }
}
