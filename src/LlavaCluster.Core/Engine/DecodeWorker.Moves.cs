using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// KV blocks that come from other replicas, and go to them: a sequence whose conversation was computed elsewhere waits in the queue until
/// they are here, and what others copy is held meanwhile. Of several ranks each moves its part, and does what this one decides.
/// </summary>
internal sealed partial class DecodeWorker
{
    /// <summary>A sequence that comes gets its blocks before its turn in the queue while more than one of so many stays free.</summary>
    private const int EarlyShare = 8;

    private readonly ReplicaMoves? _ranks;
    private readonly PartMover? _parts;
    private readonly KvArrivals? _arrivals;
    private readonly HashSet<KvLoan> _lent = [];
    private readonly List<UInt128[]> _forgetLater = [];

    /// <summary>Every rank can move its part.</summary>
    private bool MovesKv => _link.Followers == 0 || _parts is not null;

    private KvArrivals? ArrivalsFrom(IKvSource? moves) => moves is null || _runner.Bytes is not { } bytes || !MovesKv
        ? null
        : new KvArrivals(
            _pool,
            _cache,
            _parts is null ? moves : new ReplicaSource(moves, _ranks!, _parts, begin => _commands.Add(new EngineCommand.BeginMove(begin)), _time),
            bytes,
            _runner.Capacity.BlockTokens,
            (arrival, delivery) => _commands.Add(new EngineCommand.Arrived(arrival, delivery)));

    /// <summary>The other replica may be about to leave: while there is room its blocks are fetched at once.</summary>
    private void FetchEarly(Sequence sequence) =>
        Fetch(sequence, _scheduler.Running.Count + (_pool.Total / EarlyShare), allOrNothing: true);

    private bool Fetch(Sequence sequence) => Fetch(sequence, _scheduler.Running.Count, allOrNothing: false);

    private bool Fetch(Sequence sequence, int spared, bool allOrNothing) => _arrivals?.Fetch(
        sequence, sequence.ShareableKeys(_runner.Capacity.BlockTokens), key => _tiers?.IsSaved(key) == true, spared, allOrNothing) == true;

    private void EndFetch(EngineCommand.Arrived arrived)
    {
        var waiting = _arrivals!.Done(arrived.Arrival, arrived.Delivery);
        foreach (var sequence in waiting)
        {
            _scheduler.LetGo(sequence);
        }

        _scheduler.NoteRoom();
        _observer.Fetched(
            [.. waiting.Select(sequence => sequence.Request.Name)], arrived.Arrival.Missing.Count, arrived.Delivery, _arrivals.Counts);
    }

    private void Lend(EngineCommand.Lend lend)
    {
        if (_runner.Bytes is not { } bytes || !MovesKv)
        {
            lend.Told.TrySetResult(null);
            return;
        }

        var blocks = new List<(int Index, int Block)>();
        for (var i = 0; i < lend.Keys.Count; i++)
        {
            if (_cache.TryGet(lend.Keys[i], out var block))
            {
                _pool.Retain(block);
                blocks.Add((i, block));
            }
        }

        var loan = new KvLoan(bytes, blocks, ended => _commands.Add(new EngineCommand.TakeBack(ended)));
        _lent.Add(loan);
        if (_parts is null)
        {
            lend.Told.TrySetResult(loan);
            return;
        }

        // Told when every rank has the blocks filled, and knows of the loan.
        var part = new PartMove.Lend(loan.Id, [.. blocks.Select(held => lend.Keys[held.Index])], [.. blocks.Select(held => held.Block)]);
        BeginOnAll(part, result =>
        {
            if (result.Error is null)
            {
                lend.Told.TrySetResult(loan);
                return;
            }

            loan.Dispose();
            lend.Told.TrySetResult(null);
        });
    }

    private void BeginOnAll(PartMove move, Action<TierMoveResult> done) => _ranks!.Begin(
        move.Count, (epoch, number) => new ShardMessage.Part(epoch, number, move), answer => _parts!.Begin(move, answer), done);

    private void TakeBack(KvLoan loan)
    {
        _lent.Remove(loan);
        for (var i = loan.Blocks.Count - 1; i >= 0; i--)
        {
            _pool.Return(loan.Blocks[i].Block);
        }

        if (_parts is not null)
        {
            // Among the plans: before any that fills the blocks anew.
            BeginOnAll(new PartMove.TakeBack(loan.Id), _ => { });
        }

        loan.NoteOver(wasHeld: true);
        _scheduler.NoteRoom();
        if (_lent.Count == 0)
        {
            _forgetLater.ForEach(chain => ForgetHere(chain));
            _forgetLater.Clear();
        }
    }

    /// <summary>Nothing moves any more: what was lent is not held from here on.</summary>
    private void EndMoves()
    {
        _arrivals?.Dispose();
        _parts?.Dispose();
        foreach (var loan in _lent)
        {
            loan.NoteOver(wasHeld: false);
        }
    }

    /// <summary>Blocks of a deleted conversation that somebody copies are held: they go when nothing is lent any more.</summary>
    private void NoteLent(ReadOnlySpan<UInt128> keys)
    {
        if (_lent.Count > 0)
        {
            _forgetLater.Add(keys.ToArray());
        }
    }
}
