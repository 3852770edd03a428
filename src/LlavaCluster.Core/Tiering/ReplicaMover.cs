using System.Collections.Concurrent;
using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Moves KV blocks to slower memory and back on all ranks of a replica: a slot, a group have the same number on every rank, as blocks do. Engine
/// thread only, but for what comes back.
/// </summary>
/// <param name="own">Rank 0's mover; those of the others hold as much.</param>
/// <param name="ranks">All ranks.</param>
internal sealed class ReplicaMover(IBlockMover own, ReplicaMoves ranks) : IBlockMover
{
    private readonly ConcurrentQueue<long> _halfWritten = [];

    /// <inheritdoc/>
    /// <remarks>Of one rank: all copy at the same time.</remarks>
    public long BlockBytes => own.BlockBytes;

    /// <inheritdoc/>
    public int HostSlots => own.HostSlots;

    /// <inheritdoc/>
    public int DiskBlocks => own.DiskBlocks;

    /// <inheritdoc/>
    public void Begin(TierMove move, Action<TierMove, TierMoveResult> done)
    {
        while (_halfWritten.TryDequeue(out var group))
        {
            BeginOnAll(new TierMove.Drop(group), _ => { });
        }

        BeginOnAll(move, result =>
        {
            if (move is TierMove.ToDisk written && result.Error is not null)
            {
                // Nothing of it may be left, but other ranks may have written theirs.
                _halfWritten.Enqueue(written.Group);
            }

            done(move, result);
        });
    }

    private void BeginOnAll(TierMove move, Action<TierMoveResult> done) => ranks.Begin(
        move.Count,
        (epoch, number) => new ShardMessage.Move(epoch, number, move),
        answer => own.Begin(move, (_, result) => answer(result)),
        done);
}
