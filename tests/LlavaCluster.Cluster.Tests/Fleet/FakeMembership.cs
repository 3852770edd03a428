using System.Collections.Immutable;

namespace LlavaCluster.Cluster.Tests.Fleet;

/// <summary>These silos are active; that one is declared dead by <see cref="TryKill"/> is heard only after a test's end.</summary>
internal sealed class FakeMembership(params SiloAddress[] active) : IClusterMembershipService
{
    public ClusterMembershipSnapshot CurrentSnapshot { get; private set; } = Of(active, SiloStatus.Active, 1);

    public IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates => throw new NotSupportedException();

    /// <summary>Silos that were declared dead, in order.</summary>
    public List<SiloAddress> Killed { get; } = [];

    /// <summary>What the next declarations and readings fail with; null: they do not.</summary>
    public Exception? Failure { get; set; }

    /// <summary>How often it was read.</summary>
    public int Readings { get; private set; }

    /// <summary>Whoever reads next finds these dead.</summary>
    public IReadOnlyList<SiloAddress> Dead { get; set; } = [];

    public ValueTask Refresh(MembershipVersion minimumVersion = default, CancellationToken cancellationToken = default)
    {
        Readings++;
        if (Failure is not null)
        {
            return ValueTask.FromException(Failure);
        }

        CurrentSnapshot = Dead.Count > 0 ? Of(Dead, SiloStatus.Dead, Readings + 1) : CurrentSnapshot;
        return ValueTask.CompletedTask;
    }

    public Task<bool> TryKill(SiloAddress siloAddress)
    {
        if (Failure is not null)
        {
            return Task.FromException<bool>(Failure);
        }

        Killed.Add(siloAddress);
        return Task.FromResult(true);
    }

    private static ClusterMembershipSnapshot Of(IEnumerable<SiloAddress> silos, SiloStatus status, int version) => new(
        silos.ToImmutableDictionary(silo => silo, silo => new ClusterMember(silo, status, silo.ToString())), new MembershipVersion(version));
}
