using LlavaCluster.Core.Moving;

namespace LlavaCluster.Core.Tiering;

/// <summary>Whether a rank can do a move that another one decided: to a mover numbers are addresses, and they came over a network.</summary>
internal static class MoveCheck
{
    /// <summary>Fails when the move names what the rank does not have.</summary>
    /// <param name="move">The move.</param>
    /// <param name="blocks">Blocks of the rank's device.</param>
    /// <param name="mover">The rank's mover.</param>
    /// <exception cref="InvalidOperationException">A block or slot that is not there, or a disk that is not.</exception>
    public static void Check(TierMove move, int blocks, IBlockMover mover)
    {
        if (move is TierMove.ToDisk or TierMove.FromDisk && mover.DiskBlocks == 0)
        {
            throw new InvalidOperationException($"{move.GetType().Name}: this rank keeps no KV blocks on a disk.");
        }

        switch (move)
        {
            case TierMove.ToHost toHost:
                Each(move, "block", toHost.Blocks, blocks);
                Each(move, "slot", toHost.Slots, mover.HostSlots);
                break;
            case TierMove.FromHost fromHost:
                Each(move, "block", fromHost.Blocks, blocks);
                Each(move, "slot", fromHost.Slots, mover.HostSlots);
                break;
            case TierMove.ToDisk toDisk:
                Each(move, "slot", toDisk.Slots, mover.HostSlots);
                break;
            case TierMove.FromDisk fromDisk:
                Each(move, "block", fromDisk.Blocks, blocks);
                Each(move, "place", fromDisk.Places.Select(place => place.Index), mover.DiskBlocks);
                break;
        }
    }

    /// <summary>Fails when the move names what the rank does not have.</summary>
    /// <param name="move">The move.</param>
    /// <param name="blocks">Blocks of the rank's device.</param>
    /// <exception cref="InvalidOperationException">A block that is not there.</exception>
    public static void Check(PartMove move, int blocks) => Each(
        move,
        "block",
        move switch
        {
            PartMove.Lend lend => lend.Blocks,
            PartMove.Fetch fetch => fetch.Blocks,
            _ => [],
        },
        blocks);

    private static void Each(object move, string what, IEnumerable<int> values, int count)
    {
        foreach (var value in values)
        {
            if (value < 0 || value >= count)
            {
                throw new InvalidOperationException($"{move.GetType().Name}: {what} {value} is not there; this rank has {count}.");
            }
        }
    }
}
