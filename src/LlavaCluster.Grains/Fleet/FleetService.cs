using LlavaCluster.Grains.Contracts;
using Microsoft.Extensions.Logging;

namespace LlavaCluster.Grains.Fleet;

/// <summary>This silo's ear for the others.</summary>
internal sealed class FleetService(
    GrainId id, Silo silo, ILoggerFactory loggers, LoadTable table, SiloIdentity identity, ILocalSiloDetails local, ISiloExit exit)
    : GrainService(id, silo, loggers), IFleetService
{
    /// <inheritdoc/>
    public Task Report(SiloReportMessage report)
    {
        if (SiloIdentity.Refuse(identity.At(local.SiloAddress), report.Identity) is null)
        {
            table.Put(report);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task Drain()
    {
        exit.Leave();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<string?> Admit(SiloIdentityMessage newcomer) =>
        Task.FromResult(SiloIdentity.Refuse(identity.At(local.SiloAddress), newcomer));
}
