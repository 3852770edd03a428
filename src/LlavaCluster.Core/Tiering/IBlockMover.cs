namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Moves the content of KV blocks between a runner's device, host memory and disk, on threads of its own, beside the runner's steps. It
/// decides nothing. Belongs to the runner, which ends it.
/// </summary>
public interface IBlockMover
{
    /// <summary>Bytes of one block.</summary>
    long BlockBytes { get; }

    /// <summary>Blocks that host memory holds, at least 1: slots 0 … this − 1.</summary>
    int HostSlots { get; }

    /// <summary>Blocks that may be on the disk; 0: none.</summary>
    int DiskBlocks { get; }

    /// <summary>
    /// Begins a move and comes back at once. Moves of one kind are done in order; those towards the device do not wait for the others.
    /// </summary>
    /// <param name="move">The move.</param>
    /// <param name="done">Called once, on any thread, unless the mover is ended first.</param>
    void Begin(TierMove move, Action<TierMove, TierMoveResult> done);
}
