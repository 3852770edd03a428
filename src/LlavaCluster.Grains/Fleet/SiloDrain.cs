using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Decoding;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LlavaCluster.Grains.Fleet;

/// <summary>What a silo that drains still does for others, and how it gives that away. Any thread.</summary>
public sealed class SiloDrain
{
    /// <summary>Between two looks at what is left.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(50);

    private readonly SiloRole _role;
    private readonly OpenStreams _streams;
    private readonly LoadTable _table;
    private readonly IServiceProvider _services;
    private readonly TimeProvider _time;

    internal SiloDrain(SiloRole role, OpenStreams streams, LoadTable table, IServiceProvider services, TimeProvider time) =>
        (_role, _streams, _table, _services, _time) = (role, streams, table, services, time);

    /// <summary>Sequences that it computes, or has a part in, and tiles that it encodes.</summary>
    public int Left => Sequences() + Tiles();

    /// <summary>Waits until nothing is left.</summary>
    public async Task IdleAsync(CancellationToken cancellationToken)
    {
        while (Left > 0)
        {
            await Task.Delay(Every, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Has the sessions of the sequences that are left take them elsewhere; returns when they have let go and other replicas have fetched
    /// what was computed here, or have had time to.
    /// </summary>
    /// <param name="patience">How long they may take.</param>
    public async Task HandOverAsync(TimeSpan patience)
    {
        var server = _services.GetService<KvServer>();
        // Each comes once for its KV, if there is where it can go on.
        var due = server is null || !HasOthers() ? 0 : server.Served + _streams.Count;
        await _streams.HandOverAsync().ConfigureAwait(false);
        var began = _time.GetTimestamp();
        while ((_streams.Count > 0 || server?.Served < due) && _time.GetElapsedTime(began) < patience)
        {
            await Task.Delay(Every, _time).ConfigureAwait(false);
        }
    }

    private bool HasOthers() => _services.GetRequiredService<ClusterView>().Replicas().Any(seat => seat.Replica != _role.Replica);

    private int Sequences() => !_role.Roles.HasFlag(SiloRoles.Decoder) ? 0 : _streams.Count + Followed();

    /// <summary>What the leader has, when this silo is one rank of several and follows.</summary>
    private int Followed() => _services.GetRequiredService<IDecodeEngine>() is RankSeat { IsLeading: false, Status.State: SeatState.Serving }
        ? _table.All().Where(entry => entry.Age < LoadTable.StaleAfter).Select(entry => entry.Report)
            .Where(report => report.Seat is { IsLeading: true } seat && seat.Replica == _role.Replica)
            .Sum(report => report.Seat!.Load.Running + report.Seat.Load.Waiting)
        : 0;

    private int Tiles() => _role.Roles.HasFlag(SiloRoles.Encoder) ? _services.GetRequiredService<IImageEncodeEngine>().TilesOutstanding : 0;
}
