using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;

namespace LlavaCluster.Grains.Routing;

/// <summary>
/// Who can serve: what active silos last said of themselves. Those that drain are left out, and those that have not been heard of lately,
/// unless there is nobody else: what was begun is finished, and on a machine with too much to do all are late. Any thread; never waits.
/// </summary>
internal sealed class ClusterView(IClusterMembershipService membership, LoadTable table)
{
    /// <summary>Seats that lead a replica which computes, in order of replicas. A replica drains with any of its ranks.</summary>
    public IReadOnlyList<SeatLoadMessage> Replicas()
    {
        var leaving = Leaving();
        return
        [
            .. Open(report => report.Seat is { IsLeading: true }, report => leaving.Contains(report.Seat!.Replica))
                .Select(report => report.Seat!)
                .OrderBy(seat => seat.Replica, StringComparer.Ordinal),
        ];
    }

    /// <summary>Encoders, in order of name.</summary>
    public IReadOnlyList<EncoderLoadMessage> Encoders() => [.. Open(report => report.Encoder is not null, report => report.IsDraining)
        .Select(report => report.Encoder!)
        .OrderBy(encoder => encoder.Encoder, StringComparer.Ordinal)];

    /// <summary>Names of all encoders of active silos, those too that are silent or drain: what is deleted must be told to them.</summary>
    public IReadOnlyList<string> EveryEncoder() => Every(report => report.Encoder?.Encoder);

    /// <summary>Keys of the shard grains of all active silos that lead a replica, as <see cref="EveryEncoder"/>.</summary>
    public IReadOnlyList<string> EveryShard() => Every(report => report.Seat is { IsLeading: true } seat ? seat.Shard : null);

    /// <summary>Key of the shard grain that leads a replica; null: none is known to.</summary>
    public string? LeaderOf(string replica) =>
        Every(report => report.Seat is { IsLeading: true } seat && seat.Replica == replica ? seat.Shard : null).FirstOrDefault();

    /// <summary>
    /// True while a replica that stays could fetch another one's KV: it is split alike, and moves KV. One that is silent too: who routes to
    /// it sees to that.
    /// </summary>
    /// <param name="replica">The other one.</param>
    /// <param name="ranks">Its ranks.</param>
    public bool HasHeir(string replica, int ranks)
    {
        var leaving = Leaving();
        return Every(report => report.Seat is { IsLeading: true, KvAddress.Length: > 0 } seat
            && seat.Replica != replica && seat.Ranks == ranks && !leaving.Contains(seat.Replica) ? seat.Replica : null).Length > 0;
    }

    /// <summary>Where a replica's ranks lend their KV, by rank; one that drains too. Empty: it has not been heard of lately, or lends none.</summary>
    public IReadOnlyList<string> KvOf(string replica)
    {
        var members = membership.CurrentSnapshot.Members;
        var seats = table.All()
            .Where(entry => entry.Age < LoadTable.StaleAfter
                && entry.Report.Seat is { State: SeatState.Serving, KvAddress.Length: > 0 } seat && seat.Replica == replica
                && members.TryGetValue(entry.Report.Silo, out var member) && member.Status is SiloStatus.Active or SiloStatus.ShuttingDown)
            .Select(entry => entry.Report.Seat!)
            .OrderBy(seat => seat.Rank)
            .ToArray();
        if (seats is [{ Epoch: 0 } all])
        {
            // All ranks are in one process.
            return [.. Enumerable.Repeat(all.KvAddress, all.Ranks)];
        }

        return seats.Length > 0 && seats.Select(seat => seat.Rank ?? -1).SequenceEqual(Enumerable.Range(0, seats[0].Ranks))
            && seats.All(seat => seat.Epoch == seats[0].Epoch)
            ? [.. seats.Select(seat => seat.KvAddress)]
            : [];
    }

    private HashSet<string> Leaving() => [.. table.All().Select(entry => entry.Report)
        .Where(report => report is { IsDraining: true, Seat.State: SeatState.Serving })
        .Select(report => report.Seat!.Replica)];

    private string[] Every(Func<SiloReportMessage, string?> name) => [.. membership.CurrentSnapshot.Members.Values
        .Where(member => member.Status is SiloStatus.Active or SiloStatus.ShuttingDown)
        .Select(member => table.Find(member.SiloAddress) is { } last ? name(last.Report) : null)
        .OfType<string>()];

    private SiloReportMessage[] Open(Func<SiloReportMessage, bool> serves, Func<SiloReportMessage, bool> leaves)
    {
        var members = membership.CurrentSnapshot.Members;
        var all = table.All().Where(entry => serves(entry.Report))
            .Where(entry => members.TryGetValue(entry.Report.Silo, out var member)
                && member.Status is SiloStatus.Active or SiloStatus.ShuttingDown)
            .ToArray();
        var heard = Array.FindAll(all, entry => entry.Age < LoadTable.StaleAfter);
        var known = heard.Length > 0 ? heard : all;
        var open = Array.FindAll(known, entry => !leaves(entry.Report));
        return [.. (open.Length > 0 ? open : known).Select(entry => entry.Report)];
    }
}
