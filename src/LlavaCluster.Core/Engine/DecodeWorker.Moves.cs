using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// KV blocks that come from other replicas, and go to them: a sequence whose conversation was computed elsewhere waits in the queue until
/// they are here, and what others copy is held meanwhile. Only a replica of one rank has any.
/// </summary>
internal sealed partial class DecodeWorker
{
    /// <summary>A sequence that comes gets its blocks before its turn in the queue while more than one of so many stays free.</summary>
    private const int EarlyShare = 8;

    private readonly KvArrivals? _arrivals;
    private readonly HashSet<KvLoan> _lent = [];
    private readonly List<UInt128[]> _forgetLater = [];

    private KvArrivals? ArrivalsFrom(IKvSource? moves) => moves is null || _runner.Bytes is not { } bytes || _link.Followers > 0
        ? null
        : new KvArrivals(
            _pool,
            _cache,
            moves,
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

    private KvLoan? Lend(IReadOnlyList<UInt128> keys)
    {
        if (_runner.Bytes is not { } bytes || _link.Followers > 0)
        {
            return null;
        }

        var blocks = new List<(int, int)>();
        for (var i = 0; i < keys.Count; i++)
        {
            if (_cache.TryGet(keys[i], out var block))
            {
                _pool.Retain(block);
                blocks.Add((i, block));
            }
        }

        var loan = new KvLoan(bytes, blocks, ended => _commands.Add(new EngineCommand.TakeBack(ended)));
        _lent.Add(loan);
        return loan;
    }

    private void TakeBack(KvLoan loan)
    {
        _lent.Remove(loan);
        for (var i = loan.Blocks.Count - 1; i >= 0; i--)
        {
            _pool.Return(loan.Blocks[i].Block);
        }

        _scheduler.NoteRoom();
        if (_lent.Count == 0)
        {
            _forgetLater.ForEach(chain => ForgetHere(chain));
            _forgetLater.Clear();
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
