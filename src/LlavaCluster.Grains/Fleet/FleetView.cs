using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Fleet;

/// <summary>A silo as this one sees it.</summary>
/// <param name="Address">Address and port.</param>
/// <param name="Name">Its name in the membership.</param>
/// <param name="Status">What the membership says of it: active, joining, shuttingdown …</param>
/// <param name="Report">What it said last; null: nothing yet.</param>
/// <param name="Age">How long ago that was.</param>
public sealed record FleetSilo(string Address, string Name, string Status, SiloReportMessage? Report, TimeSpan Age);

/// <summary>The cluster, for people to look at. Any thread; never waits.</summary>
public sealed class FleetView
{
    private readonly IClusterMembershipService _membership;
    private readonly LoadTable _table;

    internal FleetView(IClusterMembershipService membership, LoadTable table) => (_membership, _table) = (membership, table);

    /// <summary>All silos but dead ones, in order of address.</summary>
    public IReadOnlyList<FleetSilo> Silos() => [.. _membership.CurrentSnapshot.Members.Values
        .Where(member => member.Status is not (SiloStatus.Dead or SiloStatus.None))
        .OrderBy(member => member.SiloAddress.Endpoint.Address.ToString(), StringComparer.Ordinal)
        .ThenBy(member => member.SiloAddress.Endpoint.Port)
        .Select(member =>
        {
            var last = _table.Find(member.SiloAddress);
            return new FleetSilo(
                member.SiloAddress.Endpoint.ToString(), member.Name, member.Status.ToString().ToLowerInvariant(), last?.Report, last?.Age ?? default);
        })];
}
