namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// Finds full blocks by what they and everything before them hold (<see cref="BlockKeys"/>). Blocks stay findable after their
/// holders have gone, until <see cref="BlockPool"/> takes them for something else. Engine thread only.
/// </summary>
public sealed class PrefixCache
{
    private readonly BlockPool _pool;
    private readonly Dictionary<UInt128, int> _blocks = [];
    private readonly Dictionary<int, (UInt128 Key, UInt128 Parent)> _keys = [];

    /// <summary>Over the blocks of this pool.</summary>
    public PrefixCache(BlockPool pool)
    {
        _pool = pool;
        pool.Evicted = Forget;
    }

    /// <summary>Blocks that can be found.</summary>
    public int Count => _blocks.Count;

    /// <summary>Called with a block that can no longer be found, and its key.</summary>
    internal Action<int, UInt128>? Lost { get; set; }

    /// <summary>Keys of the blocks that can be found, with the key of the block before each.</summary>
    internal IEnumerable<(UInt128 Key, UInt128 Parent)> Keys => _keys.Values;

    /// <summary>How many blocks <see cref="Match"/> would find, and how many of them nobody holds.</summary>
    public (int Known, int Free) Find(ReadOnlySpan<UInt128> keys)
    {
        var (known, free) = (0, 0);
        while (known < keys.Length && _blocks.TryGetValue(keys[known], out var block))
        {
            free += _pool.ReferencesOf(block) == 0 ? 1 : 0;
            known++;
        }

        return (known, free);
    }

    /// <summary>
    /// The longest known beginning of a chain of keys; each of its blocks gets one more holder and is added to
    /// <paramref name="into"/>.
    /// </summary>
    /// <returns>How many blocks.</returns>
    public int Match(ReadOnlySpan<UInt128> keys, List<int> into)
    {
        var matched = 0;
        while (matched < keys.Length && _blocks.TryGetValue(keys[matched], out var block))
        {
            _pool.Retain(block);
            into.Add(block);
            matched++;
        }

        return matched;
    }

    /// <summary>Makes a held, full block findable. Of two blocks with one content the first stays.</summary>
    /// <param name="block">The block.</param>
    /// <param name="key">Its key.</param>
    /// <param name="parent">Key of the block before it; 0: it is the first.</param>
    public void Publish(int block, UInt128 key, UInt128 parent = default)
    {
        if (_pool.ReferencesOf(block) == 0)
        {
            throw new InvalidOperationException($"Block {block} was published but nobody holds it.");
        }

        if (_keys.ContainsKey(block) || !_blocks.TryAdd(key, block))
        {
            return;
        }

        _keys.Add(block, (key, parent));
        _pool.SetKnown(block);
    }

    /// <summary>The block of a key, if it can be found.</summary>
    internal bool TryGet(UInt128 key, out int block) => _blocks.TryGetValue(key, out block);

    /// <summary>The key of a block that can be found, with that of the block before it.</summary>
    internal bool TryGetKey(int block, out (UInt128 Key, UInt128 Parent) key) => _keys.TryGetValue(block, out key);

    /// <summary>Makes a block that nobody holds unfindable.</summary>
    internal void Remove(int block)
    {
        _pool.SetUnknown(block);
        Forget(block);
    }

    private void Forget(int block)
    {
        if (_keys.Remove(block, out var key))
        {
            _blocks.Remove(key.Key);
            Lost?.Invoke(block, key.Key);
        }
    }
}
