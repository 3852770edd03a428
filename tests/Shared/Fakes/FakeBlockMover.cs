using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Tests.Fakes;

/// <summary>
/// Moves the blocks of a fake runner. Half of each block is copied when a move begins and half when it ends, so that one that is
/// overwritten meanwhile is torn. A slot or a group that does not have what is asked of it is an error. Any thread, one at a time.
/// </summary>
internal sealed class FakeBlockMover(FakeModelRunner runner, int hostSlots, int diskBlocks) : IBlockMover
{
    private readonly (int, ulong)[]?[] _host = new (int, ulong)[hostSlots][];
    private readonly Dictionary<long, (int, ulong)[]?[]> _disk = [];
    private readonly List<(TierMove Move, Action<TierMove, TierMoveResult> Done)> _begun = [];

    public long BlockBytes => 1 << 20;

    public int HostSlots => hostSlots;

    public int DiskBlocks => diskBlocks;

    /// <summary>Moves that have begun and not ended.</summary>
    public IReadOnlyList<TierMove> Begun => [.. _begun.Select(begun => begun.Move)];

    /// <summary>Every move, in the order in which they began.</summary>
    public List<TierMove> All { get; } = [];

    /// <summary>Moves end at once.</summary>
    public bool EndsAtOnce { get; set; }

    /// <summary>Says which blocks of a move, by index, cannot be read or written.</summary>
    public Func<TierMove, int, bool> Fails { get; set; } = (_, _) => false;

    /// <summary>How long a move took, says the mover.</summary>
    public Func<TierMove, TimeSpan> Took { get; set; } = _ => TimeSpan.FromMilliseconds(1);

    /// <summary>Blocks on the disk.</summary>
    public int OnDisk => _disk.Values.Sum(group => group.Length);

    public void Begin(TierMove move, Action<TierMove, TierMoveResult> done)
    {
        All.Add(move);
        Copy(move, first: true);
        _begun.Add((move, done));
        if (EndsAtOnce || move is TierMove.Drop)
        {
            End(_begun.Count - 1);
        }
    }

    /// <summary>Ends a move.</summary>
    public void End(int index)
    {
        var (move, done) = _begun[index];
        _begun.RemoveAt(index);
        var failed = Enumerable.Range(0, move.Count).Where(i => Fails(move, i)).ToArray();
        Copy(move, first: false);
        if (failed.Length > 0 && move is TierMove.ToDisk toDisk)
        {
            _disk.Remove(toDisk.Group);
            failed = [.. Enumerable.Range(0, move.Count)];
        }

        if (move is TierMove.FromHost or TierMove.FromDisk)
        {
            // What failed is not merely old.
            var blocks = (move as TierMove.FromHost)?.Blocks ?? ((TierMove.FromDisk)move).Blocks;
            Array.ForEach(failed, i => runner.Block(blocks[i]).Fill((-7, 7)));
        }

        done(move, new TierMoveResult(failed, Took(move), failed.Length > 0 ? new IOException("no such luck") : null));
    }

    private void Copy(TierMove move, bool first)
    {
        switch (move)
        {
            case TierMove.ToHost m:
                Each(m.Blocks.Count, i => Half(runner.Block(m.Blocks[i]), _host[m.Slots[i]] ??= new (int, ulong)[16], first));
                break;
            case TierMove.FromHost m:
                Each(m.Blocks.Count, i => Half(Filled(_host[m.Slots[i]]), runner.Block(m.Blocks[i]), first));
                break;
            case TierMove.ToDisk m:
                var group = first ? _disk[m.Group] = [.. m.Slots.Select(_ => new (int, ulong)[16])] : _disk[m.Group];
                Each(m.Slots.Count, i => Half(Filled(_host[m.Slots[i]]), group[i]!, first));
                break;
            case TierMove.FromDisk m:
                Each(m.Blocks.Count, i => Half(Filled(_disk[m.Places[i].Group][m.Places[i].Index]), runner.Block(m.Blocks[i]), first));
                break;
            case TierMove.Drop m when first:
                _disk.Remove(m.Group);
                break;
        }
    }

    private static void Each(int count, Action<int> copy)
    {
        for (var i = 0; i < count; i++)
        {
            copy(i);
        }
    }

    private static (int, ulong)[] Filled((int, ulong)[]? cells) => cells ?? throw new InvalidOperationException("There is nothing there.");

    private static void Half(Span<(int, ulong)> from, Span<(int, ulong)> to, bool first)
    {
        var half = first ? ..(from.Length / 2) : (from.Length / 2)..;
        from[half].CopyTo(to[half]);
    }
}
