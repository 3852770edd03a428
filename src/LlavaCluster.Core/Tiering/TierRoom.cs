namespace LlavaCluster.Core.Tiering;

/// <summary>How many KV blocks a rank has room for in slower memory.</summary>
/// <param name="Host">In host memory; 0: it has none.</param>
/// <param name="Disk">On the disk; 0: none. Nothing gets there but through host memory.</param>
public readonly record struct TierRoom(int Host, int Disk)
{
    /// <summary>What two ranks both have room for.</summary>
    public TierRoom And(TierRoom other) => Math.Min(Host, other.Host) is var host and > 0 ? new TierRoom(host, Math.Min(Disk, other.Disk)) : default;
}
