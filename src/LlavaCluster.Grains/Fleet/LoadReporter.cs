using System.Collections.Concurrent;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LlavaCluster.Grains.Fleet;

/// <summary>
/// Tells all silos, ten times a second, how this one is. To a silo that does not answer it is told more seldom: a report, or its answer, may
/// be lost with a connection, and Orleans misses it only after many seconds, in which the silo would take this one for gone.
/// </summary>
internal sealed class LoadReporter(
    SiloRole role,
    SiloIdentity identity,
    ISiloState state,
    SiloGauges gauges,
    LoadTable table,
    KnownBeginnings beginnings,
    IFleetClient fleet,
    IClusterMembershipService membership,
    LostSilos lost,
    ILocalSiloDetails local,
    IServiceProvider services,
    TimeProvider time) : BackgroundService
{
    /// <summary>Between two reports.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromMilliseconds(100);

    /// <summary>So long an answer is waited for before the next report is sent; well within <see cref="LoadTable.StaleAfter"/>.</summary>
    public static readonly TimeSpan Again = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<SiloAddress, (Task Told, long Since)> _underWay = [];
    private readonly Rate _answers = new(time), _computed = new(time), _tiles = new(time), _turns = new(time);
    private long _number;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Also at once when somebody comes: it must know all before it is asked for anything.
        using var timer = new PeriodicTimer(Every, time);
        try
        {
            do
            {
                ReportToAll(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private void ReportToAll(CancellationToken cancellationToken)
    {
        var report = Report();
        table.Put(report);
        var silos = membership.CurrentSnapshot.Members.Values
            .Where(member => member.Status is SiloStatus.Active or SiloStatus.ShuttingDown or SiloStatus.Stopping)
            .Select(member => member.SiloAddress).ToHashSet();
        table.KeepOnly(silos);
        foreach (var silo in silos.Where(silo => !silo.Equals(local.SiloAddress)))
        {
            var isAnswered = !_underWay.TryGetValue(silo, out var last) || last.Told.IsCompleted;
            var waited = isAnswered ? TimeSpan.Zero : time.GetElapsedTime(last.Since);
            if (waited >= LostSilos.SilentAfter)
            {
                _ = lost.SilentAsync(silo, cancellationToken);
            }

            if (isAnswered || waited >= Again)
            {
                _underWay[silo] = (SendAsync(silo, report, cancellationToken), time.GetTimestamp());
            }
        }

        foreach (var gone in _underWay.Keys.Where(silo => !silos.Contains(silo)))
        {
            _underWay.TryRemove(gone, out _);
            lost.Heard(gone);
        }
    }

    private async Task SendAsync(SiloAddress silo, SiloReportMessage report, CancellationToken cancellationToken)
    {
        try
        {
            await fleet.At(silo).Report(report);
            lost.Heard(silo);
        }
        catch (Exception error) when (error is OrleansException or TimeoutException or OperationCanceledException)
        {
            // Whatever it is, the next report is due anyway.
            await lost.SilentAsync(silo, cancellationToken);
        }
    }

    private SiloReportMessage Report() => new()
    {
        Silo = local.SiloAddress,
        Number = ++_number,
        Roles = role.Roles,
        Identity = identity.At(local.SiloAddress),
        IsDraining = state.IsDraining,
        Sessions = gauges.Sessions,
        Work = gauges.Work(),
        TurnRate = _turns.Update(gauges.Ended),
        Seat = role.Roles.HasFlag(SiloRoles.Decoder) ? Seat(services.GetRequiredService<IDecodeEngine>()) : null,
        Encoder = role.Roles.HasFlag(SiloRoles.Encoder) ? Encoder(services.GetRequiredService<IImageEncodeEngine>()) : null,
    };

    private EncoderLoadMessage Encoder(IImageEncodeEngine engine) =>
        new(role.Encoder, engine.TilesOutstanding, engine.TilesEncoded, _tiles.Update(engine.TilesEncoded));

    private SeatLoadMessage Seat(IDecodeEngine engine)
    {
        var (load, seat) = (engine.Load, engine as RankSeat);
        var status = seat?.Status ?? new SeatStatus(SeatState.Serving, 0, role.Ranks, 0, "");
        return new SeatLoadMessage
        {
            Shard = role.Shard,
            Replica = role.Replica,
            Rank = status.Rank,
            Ranks = status.Ranks,
            State = status.State,
            Epoch = status.Epoch,
            Why = status.Why,
            IsLeading = seat?.IsLeading ?? load.TotalBlocks > 0,
            Load = new LoadMessage(load.Waiting, load.Running, load.FreeBlocks, load.TotalBlocks),
            AnswerRate = _answers.Update(gauges.Answered),
            ComputeRate = _computed.Update(gauges.Computed),
            Beginnings = beginnings.Latest(),
            KvAddress = seat is { MovesKv: false } ? "" : services.GetService<KvServer>()?.Address.ToString() ?? "",
            Moves = load.Moves is { } moves ? new KvMovesMessage(moves.Blocks, moves.Bytes, moves.Rate, moves.PrefillRate) : null,
        };
    }
}
