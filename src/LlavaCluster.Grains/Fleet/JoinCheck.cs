using Microsoft.Extensions.Logging;

namespace LlavaCluster.Grains.Fleet;

/// <summary>
/// Before this silo becomes a member it says to all members what it is; one that refuses it ends its start. Silos that start together may
/// miss each other here: then neither takes the other's reports.
/// </summary>
internal sealed partial class JoinCheck(
    IClusterMembershipService membership, IFleetClient fleet, SiloIdentity identity, ILocalSiloDetails local, TimeProvider time, ILogger<JoinCheck> logger)
    : ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe(nameof(JoinCheck), ServiceLifecycleStage.ApplicationServices, CheckAsync);

    private Task CheckAsync(CancellationToken cancellationToken) => Task.WhenAll(membership.CurrentSnapshot.Members.Values
        .Where(member => member.Status == SiloStatus.Active && !member.SiloAddress.Equals(local.SiloAddress))
        .Select(member => AskAsync(member.SiloAddress, cancellationToken)));

    private async Task AskAsync(SiloAddress silo, CancellationToken cancellationToken)
    {
        string? refusal;
        try
        {
            refusal = await fleet.At(silo).Admit(identity.At(local.SiloAddress)).WaitAsync(Patience, time, cancellationToken);
        }
        catch (Exception error) when (error is OrleansException or TimeoutException)
        {
            // It may be dead and not yet known to be.
            LogSilent(silo.Endpoint.ToString(), error.Message);
            return;
        }

        if (refusal is not null)
        {
            throw new JoinRefusedException(refusal);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Silo {Silo} does not say whether this one may join. {Why}")]
    private partial void LogSilent(string silo, string why);
}

/// <summary>A cluster does not take this silo; the message names what differs, and the way out.</summary>
public sealed class JoinRefusedException(string message) : Exception(message);
