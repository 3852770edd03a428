using System.Buffers;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// The symbols of one word while they merge. Always the pair of lowest rank goes next, of equal ones the leftmost. Short words look
/// for it anew each time; long ones keep a heap over a linked list, so that a megabyte without a cut costs n log n.
/// </summary>
internal sealed class BpeWord : IDisposable
{
    private const int Short = 24;

    private int[] _ids = ArrayPool<int>.Shared.Rent(256);
    private int _count;

    /// <summary>Appends a symbol.</summary>
    public void Add(int symbol)
    {
        if (_count == _ids.Length)
        {
            var larger = ArrayPool<int>.Shared.Rent(_count * 2);
            _ids.CopyTo(larger, 0);
            ArrayPool<int>.Shared.Return(_ids);
            _ids = larger;
        }

        _ids[_count++] = symbol;
    }

    /// <summary>Begins the next word.</summary>
    public void Clear() => _count = 0;

    /// <summary>The symbols after all merges; valid until the next call.</summary>
    public ReadOnlySpan<int> Merge(MergeTable merges)
    {
        if (_count > Short)
        {
            MergeLong(merges);
        }
        else if (_count > 1)
        {
            MergeShort(merges);
        }

        return _ids.AsSpan(0, _count);
    }

    public void Dispose() => ArrayPool<int>.Shared.Return(_ids);

    private void MergeShort(MergeTable merges)
    {
        Span<Merge> pairs = stackalloc Merge[Short];
        var ids = _ids.AsSpan();
        for (var i = 0; i + 1 < _count; i++)
        {
            pairs[i] = merges.Find(ids[i], ids[i + 1]);
        }

        while (_count > 1)
        {
            var best = 0;
            for (var i = 1; i + 1 < _count; i++)
            {
                best = pairs[i].Rank < pairs[best].Rank ? i : best;
            }

            if (pairs[best].Rank == int.MaxValue)
            {
                return;
            }

            ids[best] = pairs[best].Id;
            ids[(best + 2).._count].CopyTo(ids[(best + 1)..]);
            if (best + 2 < _count)
            {
                pairs[(best + 2)..(_count - 1)].CopyTo(pairs[(best + 1)..]);
                pairs[best] = merges.Find(ids[best], ids[best + 1]);
            }

            _count--;
            if (best > 0)
            {
                pairs[best - 1] = merges.Find(ids[best - 1], ids[best]);
            }
        }
    }

    private void MergeLong(MergeTable merges)
    {
        var ids = _ids;
        var next = ArrayPool<int>.Shared.Rent(_count);
        var previous = ArrayPool<int>.Shared.Rent(_count);

        // rank << 32 | place of the left symbol: the order in which pairs go. Each merge takes one entry and adds at most two.
        var heap = new PairHeap(_count * 2);
        for (var i = 0; i < _count; i++)
        {
            (previous[i], next[i]) = (i - 1, i + 1);
            if (i + 1 < _count)
            {
                heap.Append(merges.Find(ids[i], ids[i + 1]).Rank, i);
            }
        }

        heap.Order();
        while (heap.TryTake(out var rank, out var left))
        {
            // An entry is stale when its pair has changed. A taken symbol has no successor.
            var right = next[left];
            if (right < 0 || right >= _count)
            {
                continue;
            }

            var merge = merges.Find(ids[left], ids[right]);
            if (merge.Rank != rank)
            {
                continue;
            }

            ids[left] = merge.Id;
            (next[left], next[right]) = (next[right], -1);
            if (next[left] < _count)
            {
                previous[next[left]] = left;
                heap.Put(merges.Find(merge.Id, ids[next[left]]).Rank, left);
            }

            if (previous[left] >= 0)
            {
                heap.Put(merges.Find(ids[previous[left]], merge.Id).Rank, previous[left]);
            }
        }

        var kept = 0;
        for (var i = 0; i < _count; i = next[i])
        {
            ids[kept++] = ids[i];
        }

        _count = kept;
        heap.Dispose();
        ArrayPool<int>.Shared.Return(next);
        ArrayPool<int>.Shared.Return(previous);
    }
}
