using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Moving;

/// <summary>One rank's end of moves between replicas: lends its part of blocks, and fetches it. It decides nothing.</summary>
/// <param name="rank">The rank.</param>
/// <param name="bytes">Its blocks.</param>
/// <param name="source">Fetches.</param>
/// <param name="lent">Where what it lends is found.</param>
internal sealed class PartMover(int rank, IBlockBytes bytes, IKvSource source, LentParts lent) : IDisposable
{
    private static readonly TierMoveResult Done = new([], TimeSpan.Zero);

    private readonly CancellationTokenSource _stop = new();

    /// <summary>Of a rank's runner; null where its blocks cannot be moved, or may not.</summary>
    public static PartMover? Of(int rank, IModelRunner runner, IKvSource? source, LentParts? lent) =>
        runner.Bytes is { } bytes && source is not null && lent is not null ? new PartMover(rank, bytes, source, lent) : null;

    /// <summary>Begins a move and comes back at once. The rank's engine thread only.</summary>
    /// <param name="move">The move.</param>
    /// <param name="done">Called once, on any thread.</param>
    public void Begin(PartMove move, Action<TierMoveResult> done)
    {
        switch (move)
        {
            case PartMove.Lend lend:
                lent.Add(lend.Loan, rank, new KvPart(bytes, lend.Keys, lend.Blocks));
                done(Done);
                break;
            case PartMove.TakeBack back:
                lent.End(back.Loan, rank);
                done(Done);
                break;
            case PartMove.Fetch fetch:
                _ = FetchAsync(fetch, done);
                break;
        }
    }

    /// <summary>The formation is over: nothing is lent any more, and nobody waits for what is on its way.</summary>
    public void Dispose()
    {
        lent.EndAll(rank);
        _stop.Cancel();
    }

    private async Task FetchAsync(PartMove.Fetch fetch, Action<TierMoveResult> done)
    {
        KvDelivery delivery;
        try
        {
            var order = new KvOrder(fetch.From, fetch.Keys, fetch.Blocks, bytes) { Rank = rank, Loan = fetch.Loan };
            delivery = await source.FetchAsync(order, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // The leader waits for an answer, whatever happened.
            delivery = new KvDelivery([], 0, 1, TimeSpan.Zero, error.Message);
        }

        done(new TierMoveResult(
            [.. Enumerable.Range(0, fetch.Blocks.Count).Except(delivery.Arrived)],
            delivery.Took,
            delivery.Why is null ? null : new IOException(delivery.Why))
        {
            Damaged = delivery.Damaged,
            Attempts = delivery.Attempts,
        });
    }
}
