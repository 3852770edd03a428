namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Device blocks that nobody holds, whose content is known and is nowhere else, in the order in which they were left. A ring through
/// arrays, so that nothing is allocated.
/// </summary>
internal sealed class IdleBlocks
{
    private const int Absent = -1;

    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly TimeSpan[] _since;
    private readonly int _ends;

    /// <summary>None of so many blocks.</summary>
    public IdleBlocks(int total)
    {
        _ends = total;
        (_next, _previous, _since) = (new int[total + 1], new int[total + 1], new TimeSpan[total]);
        Array.Fill(_next, Absent);
        _next[_ends] = _previous[_ends] = _ends;
    }

    /// <summary>How many.</summary>
    public int Count { get; private set; }

    /// <summary>The one that was left first, or null.</summary>
    public int? Oldest => Count == 0 ? null : _next[_ends];

    /// <summary>The one that was left next, or null.</summary>
    public int? After(int block) => _next[block] == _ends ? null : _next[block];

    /// <summary>A block is here.</summary>
    public bool Contains(int block) => _next[block] != Absent;

    /// <summary>When a block was left.</summary>
    public TimeSpan Since(int block) => _since[block];

    /// <summary>A block was left now.</summary>
    public void Add(int block, TimeSpan now)
    {
        Remove(block);
        var last = _previous[_ends];
        (_next[last], _previous[block]) = (block, last);
        (_next[block], _previous[_ends]) = (_ends, block);
        _since[block] = now;
        Count++;
    }

    /// <summary>A block is held again, saved, or something else; nothing happens when it is not here.</summary>
    public void Remove(int block)
    {
        if (_next[block] != Absent)
        {
            (_next[_previous[block]], _previous[_next[block]]) = (_next[block], _previous[block]);
            _next[block] = Absent;
            Count--;
        }
    }
}
