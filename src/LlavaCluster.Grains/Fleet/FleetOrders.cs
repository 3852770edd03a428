using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Fleet;

/// <summary>Tells silos of the cluster what to do. Any thread.</summary>
public sealed class FleetOrders
{
    private readonly IClusterMembershipService _membership;
    private readonly IFleetClient _fleet;

    internal FleetOrders(IClusterMembershipService membership, IFleetClient fleet) => (_membership, _fleet) = (membership, fleet);

    /// <summary>Has a silo leave the cluster, as SIGTERM does; returns when it has begun.</summary>
    /// <param name="silo">Its address, or its name where only one has it.</param>
    /// <returns>Its address.</returns>
    /// <exception cref="TurnRefusedException">NotFound: none, or several, are there. Unavailable: it cannot be reached.</exception>
    public async Task<string> DrainAsync(string silo)
    {
        var members = _membership.CurrentSnapshot.Members.Values
            .Where(member => member.Status is SiloStatus.Active or SiloStatus.Joining or SiloStatus.ShuttingDown).ToArray();
        var meant = members.Where(member => member.SiloAddress.Endpoint.ToString() == silo || member.Name == silo).ToArray();
        if (meant is not [var one])
        {
            throw new TurnRefusedException(
                RefusalCode.NotFound,
                $"{(meant.Length == 0 ? "No process" : $"{meant.Length} processes")} of this cluster {(meant.Length > 1 ? "are" : "is")} called '{silo}'. "
                    + $"There are {string.Join(", ", members.Select(member => member.SiloAddress.Endpoint.ToString()).Order(StringComparer.Ordinal))}.");
        }

        try
        {
            await _fleet.At(one.SiloAddress).Drain().ConfigureAwait(false);
            return one.SiloAddress.Endpoint.ToString();
        }
        catch (Exception error) when (error is OrleansException or TimeoutException)
        {
            throw new TurnRefusedException(
                RefusalCode.Unavailable, $"Process {one.SiloAddress.Endpoint} does not answer. Try again in a moment.", TimeSpan.FromSeconds(1), error);
        }
    }
}
