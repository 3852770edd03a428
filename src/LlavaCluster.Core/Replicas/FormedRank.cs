using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;

namespace LlavaCluster.Core.Replicas;

/// <summary>
/// One rank in one formation, from meeting the others to the end: (1) the plan link, whose heart-beats watch from then on, (2) the engine
/// thread, on which the ranks' numbers find their ways. Whatever ends one of them ends all: a rank that is lost anywhere is lost to the
/// engine within the time of a call.
/// </summary>
internal sealed class FormedRank : IAsyncDisposable
{
    private readonly Formation _formation;
    private readonly int _rank;
    private readonly IRankParts _parts;
    private readonly RankSeatOptions _options;
    private readonly TimeProvider _time;
    // Not disposed: whoever loses a rank may cancel it at any time.
    private readonly CancellationTokenSource _over = new();
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IShardLink? _link;
    private ShardFollower? _follower;
    private int _isLost;

    private FormedRank(Formation formation, int rank, IRankParts parts, RankSeatOptions options, TimeProvider time) =>
        (_formation, _rank, _parts, _options, _time) = (formation, rank, parts, options, time);

    /// <summary>The engine, where this rank leads.</summary>
    public DecodeLoop? Loop { get; private set; }

    /// <summary>Completes when the formation is over for this rank, with the reason.</summary>
    public Task<string> Ended => _lost.Task;

    /// <summary>Meets the other ranks.</summary>
    /// <param name="formation">Who they are.</param>
    /// <param name="rank">This one's rank.</param>
    /// <param name="place">Where this one listens.</param>
    /// <param name="parts">What it computes with.</param>
    /// <param name="options">How patient; and what a leader's engine is like.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">The formation will not come about.</param>
    /// <exception cref="RankLinkException">A rank is missing or refuses; says which.</exception>
    public static async Task<FormedRank> FormAsync(
        Formation formation, int rank, OfferPlace place, IRankParts parts, RankSeatOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var formed = new FormedRank(formation, rank, parts, options, time);
        using var stop = cancellationToken.Register(() => formed.Lose("The formation was given up."));
        try
        {
            await formed.MeetAsync(place).ConfigureAwait(false);
            return formed;
        }
        catch (Exception error)
        {
            formed.Lose(error.Message);
            await formed.DisposeAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (error is OperationCanceledException)
            {
                throw new RankLinkException(await formed.Ended.ConfigureAwait(false), error);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Lose("The process leaves its replica.");
        await _lost.Task.ConfigureAwait(false);
        if (Loop is not null)
        {
            await Loop.StopAsync().ConfigureAwait(false);
        }

        if (_follower is not null)
        {
            await _follower.DisposeAsync().ConfigureAwait(false);
        }

        // A follower's, and a leader's whose engine never came about; twice does no harm. It waits for its threads.
        await Task.Run(() => _link?.Dispose()).ConfigureAwait(false);
    }

    private async Task MeetAsync(OfferPlace place)
    {
        // (1)
        _link = await Task.Factory.StartNew(
            () => Link(place.Plans), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        // (2)
        if (_rank == 0)
        {
            Loop = _options.Loop(() => Runner(place.Collectives), _link, _formation.Epoch);
            await Loop.StartAsync(_over.Token).ConfigureAwait(false);
            _ = EndWithAsync(Loop.Completion);
            await _options.WarmUp(Loop, _over.Token).ConfigureAwait(false);
        }
        else
        {
            _follower = new ShardFollower(_rank, _formation.Epoch, () => Runner(place.Collectives), _link, _options.Moves, _options.Lent);
            await _follower.StartAsync(_over.Token).ConfigureAwait(false);
            _ = EndWithAsync(_follower.Completion);
        }
    }

    private IShardLink Link(RankListener listener) => _rank == 0
        ? TcpShardLink.Form(
            listener, _formation.Id, _formation.Epoch, _formation.Members.Count, _options.Link, _time, (_, why) => Lose(why), _over.Token)
        : TcpShardFollowerLink.Join(
            _formation.Members[0].Plans, _formation.Id, _formation.Epoch, _rank, _formation.Members.Count, _options.Link, _time, Lose, _over.Token);

    private IModelRunner Runner(RankListener listener)
    {
        var runner = _parts.Join(_formation, listener, _over.Token);
        if (Volatile.Read(ref _isLost) != 0)
        {
            // Lost while they met: the one who told it may have come too early to reach what was joined.
            _parts.Abort("A rank was lost while they met.");
        }

        return runner;
    }

    private async Task EndWithAsync(Task engine)
    {
        try
        {
            await engine.ConfigureAwait(false);
            Lose(_rank == 0 ? "The engine has ended." : "The leader has stopped.");
        }
        catch (Exception error)
        {
            Lose(error.Message);
        }
    }

    /// <summary>Any thread; the first reason counts.</summary>
    private void Lose(string why)
    {
        if (Interlocked.Exchange(ref _isLost, 1) != 0)
        {
            return;
        }

        try
        {
            _parts.Abort(why);
            _over.Cancel();
            // An engine that has nothing to do would not notice.
            _ = Loop?.StopAsync();
        }
        finally
        {
            // Not before: who hears of the end joins anew, with the same parts.
            _lost.SetResult(why);
        }
    }
}
