using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using Microsoft.Extensions.Options;

namespace LlavaCluster.Grains.Admission;

/// <summary>
/// Lets turns in by what the conversations of this silo have in flight and by what the other silos told of theirs. That is a tenth of a
/// second old, so several gateways together may take a little more than one would. Any thread.
/// </summary>
internal sealed class AdmissionGate(IOptions<AdmissionOptions> options, LoadTable table, SiloGauges gauges, ILocalSiloDetails local)
{
    private readonly Lock _gate = new();

    /// <summary>Lets a turn in, until the result is disposed; before its images are looked at, so they count from <see cref="AdmittedTurn.Weigh"/> on.</summary>
    /// <param name="tenant">Whose it is.</param>
    /// <param name="mustRun">It was let in before and goes on: it is counted, and never refused.</param>
    /// <exception cref="TurnRefusedException">QueueFull; says when to ask again.</exception>
    public AdmittedTurn Enter(string tenant, bool mustRun)
    {
        var turn = new TurnWorkMessage(1, 0, 0, 0);
        Take(tenant, turn, mustRun);
        return new AdmittedTurn(this, tenant, turn, mustRun);
    }

    /// <summary>Counts more work of a turn.</summary>
    /// <exception cref="TurnRefusedException">QueueFull; says when to ask again.</exception>
    internal void Take(string tenant, TurnWorkMessage work, bool mustRun)
    {
        lock (_gate)
        {
            if (!mustRun && AdmissionBudget.Refuse(options.Value, Work(tenant), work) is { } refusal)
            {
                throw refusal;
            }

            gauges.Count(tenant, work);
        }
    }

    /// <summary>Work that is done.</summary>
    internal void Leave(string tenant, TurnWorkMessage work) => gauges.Count(tenant, default(TurnWorkMessage) - work);

    private FleetWork Work(string tenant)
    {
        var reports = table.All().Select(entry => entry.Report).ToArray();
        var others = Array.FindAll(reports, report => !report.Silo.Equals(local.SiloAddress));
        var mine = gauges.Work();
        var all = Sum(others.SelectMany(other => other.Work.Values).Concat(mine.Values));
        return new FleetWork(
            // Encoders may have more to do than turns brought: what was lost is encoded again.
            all with { Tiles = Math.Max(all.Tiles, reports.Sum(report => report.Encoder?.Outstanding ?? 0)) },
            Sum(others.Select(other => other.Work.GetValueOrDefault(tenant)).Append(mine.GetValueOrDefault(tenant))),
            reports.Where(report => report.Seat is { IsLeading: true }).Sum(report => (long)report.Seat!.Load.TotalBlocks),
            reports.Sum(report => report.TurnRate),
            reports.Sum(report => report.Encoder?.Rate ?? 0));
    }

    private static TurnWorkMessage Sum(IEnumerable<TurnWorkMessage> works) => works.Aggregate(default(TurnWorkMessage), (sum, work) => sum + work);
}
