using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Decoding;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlavaCluster.Grains.Fleet;

/// <summary>
/// Gives away what this silo's replica has computed, when it leaves: asks the sessions of those conversations to have another replica
/// fetch it. Where none can, nothing is done. What goes wrong with one conversation costs the computing that it was to save. Never fails,
/// and ends when it is cancelled. Any thread.
/// </summary>
internal sealed partial class KvGiving(
    SiloRole role, LastServed served, ClusterView view, IGrainFactory grains, IServiceProvider services, ILogger<KvGiving> logger)
{
    /// <summary>Idle conversations that move at once: others have turns to answer meanwhile.</summary>
    private const int AtOnce = 4;

    /// <summary>Waits until other replicas have begun these sequences, which were handed over: then nobody comes for their KV any more.</summary>
    public Task FollowAsync(IReadOnlyList<ServedSession> handedOver, CancellationToken cancellationToken) => HasHeir
        ? Task.WhenAll(handedOver.Where(session => session.Session.Length > 0).Select(session => MoveAsync(session, cancellationToken)))
        : Task.CompletedTask;

    /// <summary>
    /// Has the conversations of which no sequence runs moved, those that were used last first. A replica drains with any of its ranks: where
    /// this silo's does not lead, the leader knows them.
    /// </summary>
    public async Task GiveAsync(CancellationToken cancellationToken)
    {
        if (!HasHeir || services.GetRequiredService<IDecodeEngine>() is not RankSeat { IsLeading: false })
        {
            await GiveOwnAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            if (view.LeaderOf(role.Replica) is { } leader)
            {
                await grains.GetGrain<IDecoderShardGrain>(leader).GiveAway(cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception error)
        {
            LogNotGiven(role.Replica, error.Message);
        }
    }

    /// <summary>The same, of those that this silo's rank leads.</summary>
    public async Task GiveOwnAsync(CancellationToken cancellationToken)
    {
        if (!HasHeir)
        {
            return;
        }

        // The others' KV has made room for theirs.
        served.Keep(services.GetRequiredService<IDecodeEngine>().Load.TotalBlocks);
        var lanes = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => GiveOneByOneAsync(cancellationToken))).ConfigureAwait(false);
        if (lanes.Sum(lane => lane.Asked) is var asked and > 0)
        {
            LogGiven(lanes.Sum(lane => lane.Moved), asked);
        }
    }

    private bool HasHeir => services.GetService<KvServer>() is not null && view.HasHeir(role.Replica, role.Ranks);

    private async Task<(int Asked, int Moved)> GiveOneByOneAsync(CancellationToken cancellationToken)
    {
        var (asked, moved) = (0, 0);
        while (!cancellationToken.IsCancellationRequested && HasHeir && served.Take() is { } next)
        {
            asked++;
            moved += await MoveAsync(next, cancellationToken).ConfigureAwait(false) ? 1 : 0;
        }

        return (asked, moved);
    }

    private async Task<bool> MoveAsync(ServedSession session, CancellationToken cancellationToken)
    {
        try
        {
            return await grains.GetGrain<ISessionGrain>(session.Session).MoveFrom(role.Replica, session.Tenant, cancellationToken)
                .WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            LogKept(session.Session, error.Message);
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Moved} of {Asked} idle conversations have their KV at other replicas now.")]
    private partial void LogGiven(int moved, int asked);

    [LoggerMessage(Level = LogLevel.Information, Message = "The idle conversations of replica {Replica} stay with its leader: {Why}")]
    private partial void LogNotGiven(string replica, string why);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The KV of session {Session} did not move and is computed when it is needed: {Why}")]
    private partial void LogKept(string session, string why);
}
