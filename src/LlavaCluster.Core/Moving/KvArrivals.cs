using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Moving;

/// <summary>
/// Blocks on their way from other replicas. A sequence whose conversation was computed elsewhere waits in the queue, without a place, until
/// they are there; then they lie in the cache like any others that nobody holds, and it finds them. Whatever does not come is computed. Only
/// what is faster than computing is fetched, by what was measured of both. Engine thread only, but for <see cref="Counts"/>.
/// </summary>
internal sealed class KvArrivals : IDisposable
{
    /// <summary>How often a sequence waits for blocks; what is gone again before it could start is computed.</summary>
    private const int MostFetches = 4;

    private readonly BlockPool _pool;
    private readonly PrefixCache _cache;
    private readonly IKvSource _source;
    private readonly IBlockBytes _bytes;
    private readonly Action<KvArrival, KvDelivery> _post;
    private readonly MoveRule _rule;
    private readonly MeasuredRate _rate;
    private readonly List<KvArrival> _underway = [];
    private readonly CancellationTokenSource _stop = new();
    private KvMoveCounts _counts;

    /// <summary>Nothing is on its way.</summary>
    /// <param name="pool">This replica's blocks.</param>
    /// <param name="cache">The cache of that pool.</param>
    /// <param name="source">Fetches.</param>
    /// <param name="bytes">Writes blocks.</param>
    /// <param name="blockTokens">Positions of a block.</param>
    /// <param name="post">Brings what came of an order to the engine's thread, which calls <see cref="Done"/>; any thread.</param>
    public KvArrivals(
        BlockPool pool, PrefixCache cache, IKvSource source, IBlockBytes bytes, int blockTokens, Action<KvArrival, KvDelivery> post)
    {
        (_pool, _cache, _source, _bytes, _post) = (pool, cache, source, bytes, post);
        _rule = new MoveRule(bytes.BlockBytes, blockTokens);
        _rate = new MeasuredRate { Start = source.Options.StartRate };
        _counts = new KvMoveCounts { Rate = _rate.PerSecond };
    }

    /// <summary>What came so far. Any thread.</summary>
    public KvMoveCounts Counts => Volatile.Read(ref _counts);

    /// <summary>Blocks are on their way.</summary>
    public bool IsBusy => _underway.Count > 0;

    /// <summary>A step computed so many tokens of prompts in this time.</summary>
    public void NotePrefill(int tokens, TimeSpan took)
    {
        if (tokens > 0)
        {
            _rule.Prefill.Add(tokens, took);
            Volatile.Write(ref _counts, _counts with { PrefillRate = _rule.Prefill.PerSecond });
        }
    }

    /// <summary>A sequence waits for blocks that are on their way.</summary>
    public bool IsAwaitedBy(Sequence sequence)
    {
        foreach (var arrival in _underway)
        {
            if (arrival.Waiting.Contains(sequence))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Begins to fetch what is missing of a sequence's beginning.</summary>
    /// <param name="sequence">The sequence; it names where its conversation was.</param>
    /// <param name="keys">Keys of the blocks that it may share.</param>
    /// <param name="isBelow">A block is in slower memory of this replica.</param>
    /// <param name="spared">Free blocks that are left for others.</param>
    /// <param name="allOrNothing">Whether to fetch only if there is room for all.</param>
    /// <returns>True when the sequence should wait; false when nothing that is worth it can be had.</returns>
    public bool Fetch(Sequence sequence, ReadOnlySpan<UInt128> keys, Func<UInt128, bool> isBelow, int spared, bool allOrNothing)
    {
        if (sequence.Request.KvFrom.Count == 0 || sequence.Fetches >= MostFetches)
        {
            return false;
        }

        var (known, held) = _cache.Find(keys);
        var missing = new List<int>();
        for (var i = known; i < keys.Length; i++)
        {
            if (!_cache.TryGet(keys[i], out _) && !isBelow(keys[i]))
            {
                missing.Add(i);
            }
        }

        if (missing.Count == 0)
        {
            return false;
        }

        if (Underway(keys[missing[0]]) is { } other)
        {
            sequence.Fetches++;
            other.Waiting.Add(sequence);
            return true;
        }

        var room = Math.Max(0, _pool.Free - held - spared);
        if (room < (allOrNothing ? missing.Count : 1))
        {
            return false;
        }

        // Once for all: whether it comes or not, the sequence does not ask again.
        sequence.Fetches = MostFetches;
        if (!_rule.IsWorth(_rate))
        {
            Volatile.Write(ref _counts, _counts with { NotWorthMoving = _counts.NotWorthMoving + 1 });
            return false;
        }

        Begin(sequence, keys, known, missing[..Math.Min(missing.Count, room)]);
        return true;
    }

    /// <summary>An order has ended: what came can be found from now on.</summary>
    /// <returns>The sequences that waited for it.</returns>
    public IReadOnlyList<Sequence> Done(KvArrival arrival, KvDelivery delivery)
    {
        _underway.Remove(arrival);
        foreach (var place in delivery.Arrived)
        {
            var i = arrival.Missing[place];
            if (!arrival.IsForgotten)
            {
                _cache.Publish(arrival.Blocks[place], arrival.Keys[i], i == 0 ? default : arrival.Keys[i - 1]);
            }
        }

        // The end of a chain is left first: what is nearest to the start is worth keeping longest.
        for (var place = arrival.Blocks.Count - 1; place >= 0; place--)
        {
            _pool.Return(arrival.Blocks[place]);
        }

        for (var i = arrival.Before.Count - 1; i >= 0; i--)
        {
            _pool.Return(arrival.Before[i]);
        }

        Note(delivery);
        return arrival.Waiting;
    }

    /// <summary>A conversation is deleted: what is on its way of it is not kept.</summary>
    public void Forget(ReadOnlySpan<UInt128> keys)
    {
        foreach (var arrival in _underway)
        {
            arrival.IsForgotten |= arrival.Keys.AsSpan().ContainsAny(keys);
        }
    }

    /// <summary>Nobody waits any more: what is under way ends soon.</summary>
    public void Dispose() => _stop.Cancel();

    private void Begin(Sequence sequence, ReadOnlySpan<UInt128> keys, int known, List<int> missing)
    {
        var arrival = new KvArrival(keys[..(missing[^1] + 1)].ToArray(), missing);
        _cache.Match(keys[..known], arrival.Before);
        _pool.TryTake(missing.Count, arrival.Blocks);
        arrival.Waiting.Add(sequence);
        _underway.Add(arrival);
        var order = new KvOrder(sequence.Request.KvFrom, [.. missing.Select(i => arrival.Keys[i])], [.. arrival.Blocks], _bytes);
        _ = _source.FetchAsync(order, _stop.Token).ContinueWith(
            fetched => _post(arrival, fetched.IsCompletedSuccessfully
                ? fetched.Result
                : new KvDelivery([], 0, 1, TimeSpan.Zero, fetched.Exception?.InnerException?.Message ?? "It was given up.")),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private KvArrival? Underway(UInt128 key)
    {
        foreach (var arrival in _underway)
        {
            if (arrival.Brings(key))
            {
                return arrival;
            }
        }

        return null;
    }

    private void Note(KvDelivery delivery)
    {
        var bytes = delivery.Arrived.Count * _bytes.BlockBytes;
        _rate.Add(bytes, delivery.Took);
        Volatile.Write(ref _counts, _counts with
        {
            Moves = _counts.Moves + (delivery.Arrived.Count > 0 ? 1 : 0),
            Failed = _counts.Failed + (delivery.Why is null ? 0 : 1),
            Blocks = _counts.Blocks + delivery.Arrived.Count,
            Damaged = _counts.Damaged + delivery.Damaged,
            Bytes = _counts.Bytes + bytes,
            Rate = _rate.PerSecond,
        });
    }
}

/// <summary>Blocks of one conversation that are on their way.</summary>
/// <param name="keys">Keys of the conversation's blocks, to the last that is on its way.</param>
/// <param name="missing">Places, among those, of the blocks on their way.</param>
internal sealed class KvArrival(UInt128[] keys, IReadOnlyList<int> missing)
{
    public UInt128[] Keys => keys;

    public IReadOnlyList<int> Missing => missing;

    /// <summary>Blocks that are written to, held here; one for each on its way.</summary>
    public List<int> Blocks { get; } = [];

    /// <summary>Blocks before them that were there, held so that they still are when those come.</summary>
    public List<int> Before { get; } = [];

    public List<Sequence> Waiting { get; } = [];

    /// <summary>The conversation was deleted meanwhile.</summary>
    public bool IsForgotten { get; set; }

    public bool Brings(UInt128 key)
    {
        foreach (var place in missing)
        {
            if (keys[place] == key)
            {
                return true;
            }
        }

        return false;
    }
}
