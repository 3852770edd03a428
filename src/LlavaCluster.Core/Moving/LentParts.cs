using System.Collections.Concurrent;

namespace LlavaCluster.Core.Moving;

/// <summary>
/// What the ranks of this process lend of blocks that their replica's leader holds: <see cref="KvServer"/> finds it here. A rank's parts end
/// with its formation at the latest. Any thread.
/// </summary>
public sealed class LentParts
{
    private readonly ConcurrentDictionary<(Guid Loan, int Rank), KvPart> _parts = [];

    /// <summary>Parts that are lent.</summary>
    internal int Count => _parts.Count;

    internal void Add(Guid loan, int rank, KvPart part) => _parts[(loan, rank)] = part;

    internal KvPart? Find(Guid loan, int rank) => _parts.GetValueOrDefault((loan, rank));

    internal void End(Guid loan, int rank)
    {
        if (_parts.TryRemove((loan, rank), out var part))
        {
            part.IsOver = true;
        }
    }

    /// <summary>The rank's formation is over.</summary>
    internal void EndAll(int rank)
    {
        foreach (var lent in _parts.Keys.Where(lent => lent.Rank == rank))
        {
            End(lent.Loan, rank);
        }
    }
}

/// <summary>One rank's part of a loan.</summary>
/// <param name="bytes">Reads its blocks.</param>
/// <param name="keys">Keys of the blocks.</param>
/// <param name="blocks">The block of each.</param>
internal sealed class KvPart(IBlockBytes bytes, IReadOnlyList<UInt128> keys, IReadOnlyList<int> blocks)
{
    private readonly Dictionary<UInt128, int> _blocks =
        keys.Zip(blocks).DistinctBy(pair => pair.First).ToDictionary(pair => pair.First, pair => pair.Second);

    private volatile bool _isOver;

    public IBlockBytes Bytes => bytes;

    /// <summary>
    /// The blocks may be written to again. What is read at that moment means nothing: who fetches asks the leader at the end whether the loan
    /// lasted until then.
    /// </summary>
    public bool IsOver
    {
        get => _isOver;
        set => _isOver = value;
    }

    /// <summary>Places among some keys, ascending, of those that are lent, each with its block.</summary>
    public IReadOnlyList<(int Index, int Block)> Find(IReadOnlyList<UInt128> wanted)
    {
        var found = new List<(int, int)>();
        for (var i = 0; i < wanted.Count; i++)
        {
            if (_blocks.TryGetValue(wanted[i], out var block))
            {
                found.Add((i, block));
            }
        }

        return found;
    }
}
