namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// Which KV blocks are held and by how many sequences. A block that nobody holds is free; it keeps its content, and so may be
/// found again by <see cref="PrefixCache"/>, until it is taken for something else: those without known content first, then the
/// least recently freed. Free + used = total, always. Engine thread only.
/// </summary>
public sealed class BlockPool
{
    private readonly int[] _references;
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly bool[] _known;
    private readonly int _ends;

    /// <summary>All blocks free, in order.</summary>
    /// <param name="total">Blocks, at least 1.</param>
    public BlockPool(int total)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(total);
        Total = total;
        _references = new int[total];
        _known = new bool[total];
        // A ring of the free blocks; the extra entry joins its two ends: next of it is taken first.
        _ends = total;
        _next = new int[total + 1];
        _previous = new int[total + 1];
        for (var i = 0; i <= total; i++)
        {
            _next[i] = i == total ? 0 : i + 1;
            _previous[i] = i == 0 ? total : i - 1;
        }

        Free = total;
    }

    /// <summary>Called with a block whose known content is about to be lost.</summary>
    public Action<int>? Evicted { get; set; }

    /// <summary>Called with a known block that its last holder has left.</summary>
    internal Action<int>? Left { get; set; }

    /// <summary>Called with a known block that nobody held and somebody does now.</summary>
    internal Action<int>? Rejoined { get; set; }

    /// <summary>Blocks in all.</summary>
    public int Total { get; }

    /// <summary>Blocks that nobody holds.</summary>
    public int Free { get; private set; }

    /// <summary>Blocks that somebody holds.</summary>
    public int Used => Total - Free;

    /// <summary>Another number whenever a block was taken, held or left.</summary>
    internal long Version { get; private set; }

    /// <summary>The free block that is taken next, or null.</summary>
    internal int? FirstFree => Free == 0 ? null : _next[_ends];

    /// <summary>How many hold a block.</summary>
    public int ReferencesOf(int block) => _references[block];

    /// <summary>Takes that many blocks, one reference each, and adds them to <paramref name="into"/>; or takes none.</summary>
    public bool TryTake(int count, List<int> into)
    {
        if (count > Free)
        {
            return false;
        }

        for (var i = 0; i < count; i++)
        {
            var block = _next[_ends];
            Unlink(block);
            _references[block] = 1;
            if (_known[block])
            {
                _known[block] = false;
                Evicted?.Invoke(block);
            }

            into.Add(block);
        }

        return true;
    }

    /// <summary>One more holder of a block whose content is known; it may be free.</summary>
    public void Retain(int block)
    {
        if (_references[block]++ == 0)
        {
            Unlink(block);
            Rejoined?.Invoke(block);
        }
    }

    /// <summary>One holder less; the last one frees the block.</summary>
    /// <exception cref="InvalidOperationException">Nobody holds it.</exception>
    public void Return(int block)
    {
        if (_references[block] == 0)
        {
            throw new InvalidOperationException($"Block {block} was returned but nobody holds it.");
        }

        if (--_references[block] > 0)
        {
            return;
        }

        // Known content goes to the far end, to be taken last; the rest to the near end.
        Link(block, after: _known[block] ? _previous[_ends] : _ends);
        if (_known[block])
        {
            Left?.Invoke(block);
        }
    }

    /// <summary>The free block that is taken after this one, or null.</summary>
    internal int? NextFree(int block) => _next[block] == _ends ? null : _next[block];

    /// <summary>Says that the content of a held block is worth finding again.</summary>
    internal void SetKnown(int block) => _known[block] = true;

    /// <summary>Says that the content of a free block must not be found again: it is taken before all others.</summary>
    internal void SetUnknown(int block)
    {
        _known[block] = false;
        Unlink(block);
        Link(block, after: _ends);
    }

    private void Link(int block, int after)
    {
        var before = _next[after];
        (_next[after], _previous[block]) = (block, after);
        (_next[block], _previous[before]) = (before, block);
        Free++;
        Version++;
    }

    private void Unlink(int block)
    {
        (_next[_previous[block]], _previous[_next[block]]) = (_next[block], _previous[block]);
        Free--;
        Version++;
    }
}
