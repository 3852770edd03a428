using System.Collections.Immutable;

namespace LlavaCluster.Cluster.Tests.Fleet;

/// <summary>These silos are active; that one is declared dead is heard only after a test's end.</summary>
internal sealed class FakeMembership(params SiloAddress[] active) : IClusterMembershipService
{
    public ClusterMembershipSnapshot CurrentSnapshot { get; } = new(
        active.ToImmutableDictionary(silo => silo, silo => new ClusterMember(silo, SiloStatus.Active, silo.ToString())), new MembershipVersion(1));

    public IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates => throw new NotSupportedException();

    /// <summary>Silos that were declared dead, in order.</summary>
    public List<SiloAddress> Killed { get; } = [];

    /// <summary>What the next declarations fail with; null: they do not.</summary>
    public Exception? Failure { get; set; }

    public ValueTask Refresh(MembershipVersion minimumVersion = default, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    public Task<bool> TryKill(SiloAddress siloAddress)
    {
        if (Failure is not null)
        {
            return Task.FromException<bool>(Failure);
        }

        Killed.Add(siloAddress);
        return Task.FromResult(true);
    }
}
