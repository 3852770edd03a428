using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Moving;

/// <summary>
/// Fetches KV for all ranks of a replica: (1) the other replica's leader has its ranks hold the blocks that it has, (2) each rank here fetches
/// its part from the same rank there, all at the same time, (3) when the last has answered the other leader says whether the blocks were
/// held all the while. What did not come on one rank has not come; what was not held until the end may be anything, and so nothing has.
/// </summary>
/// <param name="source">Asks the other's leader.</param>
/// <param name="ranks">This replica's ranks.</param>
/// <param name="own">Rank 0's own part.</param>
/// <param name="post">Does something on the engine's thread; any thread.</param>
/// <param name="time">The clock.</param>
internal sealed class ReplicaSource(IKvSource source, ReplicaMoves ranks, PartMover own, Action<Action> post, TimeProvider time) : IKvSource
{
    /// <inheritdoc/>
    public KvMoveOptions Options => source.Options;

    /// <inheritdoc/>
    public Task<KvHold> HoldAsync(KvOrder order, CancellationToken cancellationToken) => source.HoldAsync(order, cancellationToken);

    /// <inheritdoc/>
    public async Task<KvDelivery> FetchAsync(KvOrder order, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        try
        {
            // (1)
            using var hold = await source.HoldAsync(order, cancellationToken).ConfigureAwait(false);
            // (2)
            var came = await FetchAsync(order, hold, cancellationToken).ConfigureAwait(false);
            // (3)
            var (arrived, why) = came.Failed.Count == hold.Places.Count ? ([], came.Error?.Message)
                : await hold.EndAsync().ConfigureAwait(false) ? (Arrived(hold, came), came.Error?.Message)
                : ([], "The other replica did not hold the blocks until all ranks had theirs.");
            return new KvDelivery(arrived, came.Damaged, came.Attempts + 1, time.GetElapsedTime(began), why);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return new KvDelivery([], 0, 1, time.GetElapsedTime(began), error.Message);
        }
    }

    private async Task<TierMoveResult> FetchAsync(KvOrder order, KvHold hold, CancellationToken cancellationToken)
    {
        if (hold.Places.Count == 0)
        {
            return new TierMoveResult([], TimeSpan.Zero);
        }

        var move = new PartMove.Fetch(
            order.From, hold.Loan, [.. hold.Places.Select(place => order.Keys[place])], [.. hold.Places.Select(place => order.Blocks[place])]);
        var done = new TaskCompletionSource<TierMoveResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        post(() => ranks.Begin(
            move.Count, (epoch, number) => new ShardMessage.Part(epoch, number, move), answer => own.Begin(move, answer), done.SetResult));
        return await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private static int[] Arrived(KvHold hold, TierMoveResult came) =>
        [.. Enumerable.Range(0, hold.Places.Count).Except(came.Failed).Select(index => hold.Places[index])];
}
