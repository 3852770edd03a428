using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Decoding;
using LlavaCluster.Grains.Placement;
using Microsoft.Extensions.DependencyInjection;

namespace LlavaCluster.Grains.Fleet;

/// <summary>What a silo that drains still does for others, and how it gives that away. Any thread.</summary>
public sealed class SiloDrain
{
    /// <summary>Between two looks at what is left.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(50);

    private readonly SiloRole _role;
    private readonly OpenStreams _streams;
    private readonly KvGiving _kv;
    private readonly LoadTable _table;
    private readonly IServiceProvider _services;
    private readonly TimeProvider _time;

    internal SiloDrain(SiloRole role, OpenStreams streams, KvGiving kv, LoadTable table, IServiceProvider services, TimeProvider time) =>
        (_role, _streams, _kv, _table, _services, _time) = (role, streams, kv, table, services, time);

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
    /// Has other replicas fetch the KV of the conversations that were here last and to which nobody talks now. Never fails; returns when
    /// they have it, or soon after it is cancelled.
    /// </summary>
    public Task GiveAwayAsync(CancellationToken cancellationToken) => _kv.GiveAsync(cancellationToken);

    /// <summary>
    /// Has the sessions of the sequences that are left take them elsewhere, and gives away what else is here; returns when they have let go
    /// and other replicas have fetched, or decided not to, or have had time to.
    /// </summary>
    /// <param name="patience">How long they may take.</param>
    public async Task HandOverAsync(TimeSpan patience)
    {
        using var over = new CancellationTokenSource(patience, _time);
        var handedOver = await _streams.HandOverAsync().ConfigureAwait(false);
        try
        {
            await Task.WhenAll(_streams.Ended.WaitAsync(over.Token), _kv.FollowAsync(handedOver, over.Token), _kv.GiveAsync(over.Token))
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // Who has not let go by now will notice that this silo is gone.
        }
    }

    private int Sequences() => !_role.Roles.HasFlag(SiloRoles.Decoder) ? 0 : _streams.Count + Followed();

    /// <summary>What the leader has, when this silo is one rank of several and follows.</summary>
    private int Followed() => _services.GetRequiredService<IDecodeEngine>() is RankSeat { IsLeading: false, Status.State: SeatState.Serving }
        ? _table.All().Where(entry => entry.Age < LoadTable.StaleAfter).Select(entry => entry.Report)
            .Where(report => report.Seat is { IsLeading: true } seat && seat.Replica == _role.Replica)
            .Sum(report => report.Seat!.Load.Running + report.Seat.Load.Waiting)
        : 0;

    private int Tiles() => _role.Roles.HasFlag(SiloRoles.Encoder) ? _services.GetRequiredService<IImageEncodeEngine>().TilesOutstanding : 0;
}
