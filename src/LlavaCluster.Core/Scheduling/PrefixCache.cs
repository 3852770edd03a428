namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// Finds full blocks by what they and everything before them hold (<see cref="BlockKeys"/>). Blocks stay findable after their
/// holders have gone, until <see cref="BlockPool"/> takes them for something else. Engine thread only.
/// </summary>
public sealed class PrefixCache
{
    private readonly BlockPool _pool;
    private readonly Dictionary<UInt128, int> _blocks = [];
    private readonly Dictionary<int, UInt128> _keys = [];

    /// <summary>Over the blocks of this pool.</summary>
    public PrefixCache(BlockPool pool)
    {
        _pool = pool;
        pool.Evicted = Forget;
    }

    /// <summary>Blocks that can be found.</summary>
    public int Count => _blocks.Count;

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
    public void Publish(int block, UInt128 key)
    {
        if (_pool.ReferencesOf(block) == 0)
        {
            throw new InvalidOperationException($"Block {block} was published but nobody holds it.");
        }

        if (_keys.ContainsKey(block) || !_blocks.TryAdd(key, block))
        {
            return;
        }

        _keys.Add(block, key);
        _pool.SetKnown(block);
    }

    private void Forget(int block)
    {
        if (_keys.Remove(block, out var key))
        {
            _blocks.Remove(key);
        }
    }
}
