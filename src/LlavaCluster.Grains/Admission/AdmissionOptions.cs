using System.ComponentModel.DataAnnotations;

namespace LlavaCluster.Grains.Admission;

/// <summary>
/// How much a cluster takes on, in all gateways together, before it refuses turns. Section <c>Llava:Admission</c>; the same on all gateways.
/// </summary>
public sealed class AdmissionOptions
{
    /// <summary>Turns that run or wait.</summary>
    [Range(1, 1 << 20)]
    public int MaxTurns { get; set; } = 1024;

    /// <summary>Tiles of images that wait to be encoded.</summary>
    [Range(1, 1 << 24)]
    public int MaxTiles { get; set; } = 8192;

    /// <summary>Files of images that wait to be encoded, MiB.</summary>
    [Range(1, 1 << 20)]
    public int MaxImageMib { get; set; } = 2048;

    /// <summary>
    /// KV blocks that all turns together would fill with their longest answers, in per cent of those that the replicas have. Most answers
    /// are much shorter, and what does not fit waits in the replicas' queues.
    /// </summary>
    [Range(1, 1 << 20)]
    public int MaxKvPercent { get; set; } = 100_000;

    /// <summary>What one tenant may have of each of these, in per cent. Turns that name no tenant are one tenant's.</summary>
    [Range(1, 100)]
    public int TenantPercent { get; set; } = 100;
}
