namespace LlavaCluster.Core.Tiering;

/// <summary>One thing that a <see cref="IBlockMover"/> does. Blocks are those of the device, slots those of host memory.</summary>
public abstract record TierMove
{
    private TierMove()
    {
    }

    /// <summary>Blocks that are moved.</summary>
    public int Count => this switch
    {
        ToHost toHost => toHost.Blocks.Count,
        ToDisk toDisk => toDisk.Slots.Count,
        FromHost fromHost => fromHost.Blocks.Count,
        FromDisk fromDisk => fromDisk.Blocks.Count,
        _ => 0,
    };

    /// <summary>
    /// Copies blocks into slots, the first into the first. A block may be overwritten meanwhile; what was copied is then thrown away.
    /// </summary>
    public sealed record ToHost(IReadOnlyList<int> Blocks, IReadOnlyList<int> Slots) : TierMove;

    /// <summary>Writes slots as one group to the disk; when that fails, nothing of it is left.</summary>
    public sealed record ToDisk(IReadOnlyList<int> Slots, long Group) : TierMove;

    /// <summary>Copies slots into blocks, the first into the first.</summary>
    public sealed record FromHost(IReadOnlyList<int> Slots, IReadOnlyList<int> Blocks) : TierMove;

    /// <summary>Reads blocks from the disk. Goes on behind a block that is damaged.</summary>
    public sealed record FromDisk(IReadOnlyList<DiskPlace> Places, IReadOnlyList<int> Blocks) : TierMove;

    /// <summary>Removes a group from the disk.</summary>
    public sealed record Drop(long Group) : TierMove;
}

/// <summary>Where a block lies on the disk.</summary>
/// <param name="Group">Number of its group.</param>
/// <param name="Index">Its place in the group, from 0.</param>
public readonly record struct DiskPlace(long Group, int Index);

/// <summary>What came of a move.</summary>
/// <param name="Failed">Indexes, in the move, of blocks that did not arrive.</param>
/// <param name="Took">How long it took, without waiting for earlier moves.</param>
/// <param name="Error">Why some did not arrive; null when all did.</param>
public sealed record TierMoveResult(IReadOnlyList<int> Failed, TimeSpan Took, Exception? Error = null)
{
    /// <summary>Blocks that came from another replica and were not what had been sent.</summary>
    public int Damaged { get; init; }

    /// <summary>Connections to another replica that it took.</summary>
    public int Attempts { get; init; }
}
