using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Replicas;
using LlavaCluster.Silo.Security;

namespace LlavaCluster.Silo.Hosting;

/// <summary>The one rank of a replica that this process serves, while other processes serve the others.</summary>
internal sealed class ServedRank : IAsyncDisposable
{
    private readonly ModelParts _parts;

    /// <summary>Reads nothing before <see cref="RankSeat.PrepareAsync"/>.</summary>
    /// <param name="parts">Makes the rank.</param>
    /// <param name="model">The checkpoint.</param>
    /// <param name="settings">Which rank, of how many.</param>
    /// <param name="seat">Name of this process's seat.</param>
    /// <param name="tls">By what the ranks know each other; null: by nothing but the formation's id.</param>
    /// <param name="supervisors">Where it reports.</param>
    /// <param name="features">Where a leader gets features.</param>
    /// <param name="time">The clock.</param>
    /// <param name="engineObserver">Is told what a leader's engine does.</param>
    /// <param name="seatObserver">Is told what becomes of the replica.</param>
    /// <param name="moves">Where the rank fetches KV that other replicas computed; null: nowhere.</param>
    /// <param name="lent">What it lends to others.</param>
    public ServedRank(
        ModelParts parts,
        ServedModel model,
        NodeSettings settings,
        string seat,
        SiloTls? tls,
        ReplicaSupervisors supervisors,
        Func<IFeatureSource> features,
        TimeProvider time,
        IEngineObserver engineObserver,
        ISeatObserver seatObserver,
        IKvSource? moves,
        LentParts lent)
    {
        _parts = parts;
        var fleet = settings.Fleet;
        SecureStream? secure = tls is null ? null : tls.Secure;
        Seat = new RankSeat(
            new RankSeatOptions
            {
                Seat = seat,
                Replica = fleet.Replica,
                Rank = fleet.Rank,
                Address = IPAddress.Parse(fleet.SiloAddress),
                Link = new ShardLinkOptions
                {
                    Silence = TimeSpan.FromMilliseconds(fleet.RankSilenceMilliseconds),
                    Secure = secure,
                },
                Secure = secure,
                Loop = (runner, link, epoch) => EngineSet.MakeLoop(runner, link, features(), model, settings, epoch, time, engineObserver, moves, lent),
                Moves = moves,
                Lent = lent,
                WarmUp = (loop, stop) => EngineService.WarmUpAsync(loop, model, stop),
            },
            new RankParts(parts, model, settings, secure, time),
            (report, stop) => supervisors.ReportAsync(fleet.Replica, report, stop),
            time,
            seatObserver);
    }

    /// <summary>Its place among the ranks; the engine of the process.</summary>
    public RankSeat Seat { get; }

    /// <summary>KV blocks of the rank.</summary>
    public int KvBlocks => _parts.KvBlocks;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Seat.DisposeAsync();
}
