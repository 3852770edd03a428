using LlavaCluster.Grains.Placement;
using Orleans.Runtime.MembershipService.SiloMetadata;

namespace LlavaCluster.Grains.Routing;

/// <summary>Who is there: replicas and encoders of the active silos, by their metadata. Any thread; never waits.</summary>
internal sealed class ClusterView(IClusterMembershipService membership, ISiloMetadataCache metadata)
{
    /// <summary>Replicas whose leader's silo is active, in order of name.</summary>
    public IReadOnlyList<string> Replicas() => Values(SiloRole.ShardKey)
        .Where(shard => shard.EndsWith("/0", StringComparison.Ordinal))
        .Select(shard => shard[..^2])
        .Order(StringComparer.Ordinal)
        .ToArray();

    /// <summary>Encoders whose silo is active, in order of name.</summary>
    public IReadOnlyList<string> Encoders() => [.. Values(SiloRole.EncoderKey).Order(StringComparer.Ordinal)];

    private IEnumerable<string> Values(string key) => membership.CurrentSnapshot.Members.Values
        .Where(member => member.Status == SiloStatus.Active)
        .Select(member => metadata.GetSiloMetadata(member.SiloAddress).Metadata.GetValueOrDefault(key))
        .OfType<string>()
        .Distinct();
}
