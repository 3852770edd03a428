using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Moves KV blocks on all ranks of a replica: a block, a slot, a group have the same number on every rank, and on each that rank's heads in
/// them. A move is done when all ranks have done it; what did not arrive on one has not arrived. Followers begin a move in its place among the
/// plans, so behind the steps that filled its blocks, and nothing that they still copy can be taken for done: so each may copy beside its
/// steps at its own pace. With a rank gone no move arrives any more: whoever waits computes, and finds the replica broken. Engine thread
/// only, but for what comes back.
/// </summary>
internal sealed class ReplicaMover : IBlockMover
{
    private readonly IBlockMover _own;
    private readonly IShardLink _link;
    private readonly Lock _gate = new();
    private readonly Dictionary<long, Pending> _pending = [];
    private readonly Queue<long> _halfWritten = [];
    private long _number;
    private Exception? _gone;

    /// <summary>Over the leader's own mover.</summary>
    /// <param name="own">Rank 0's; those of the others hold as much.</param>
    /// <param name="link">To the others.</param>
    public ReplicaMover(IBlockMover own, IShardLink link)
    {
        (_own, _link) = (own, link);
        link.Answered = (_, answer) => Arrive(answer.Number, answer.Result);
    }

    /// <inheritdoc/>
    /// <remarks>Of one rank: all copy at the same time.</remarks>
    public long BlockBytes => _own.BlockBytes;

    /// <inheritdoc/>
    public int HostSlots => _own.HostSlots;

    /// <inheritdoc/>
    public int DiskBlocks => _own.DiskBlocks;

    /// <inheritdoc/>
    public void Begin(TierMove move, Action<TierMove, TierMoveResult> done)
    {
        foreach (var group in HalfWritten())
        {
            BeginOnAll(new TierMove.Drop(group), (_, _) => { });
        }

        BeginOnAll(move, done);
    }

    private void BeginOnAll(TierMove move, Action<TierMove, TierMoveResult> done)
    {
        long number;
        Exception? gone;
        lock (_gate)
        {
            (number, gone) = (++_number, _gone);
            if (gone is null)
            {
                _pending.Add(number, new Pending(move, done, _link.Followers + 1));
            }
        }

        if (gone is { } error)
        {
            done(move, Nothing(move, error));
            return;
        }

        _link.Send(new ShardMessage.Move(number, move));
        _own.Begin(move, (_, result) => Arrive(number, result));
    }

    private void Arrive(long number, TierMoveResult result)
    {
        if (number == 0)
        {
            GiveUp(result.Error!);
            return;
        }

        Pending? pending;
        lock (_gate)
        {
            if (!_pending.TryGetValue(number, out pending) || !pending.IsLast(result))
            {
                return;
            }

            _pending.Remove(number);
            if (pending is { Move: TierMove.ToDisk written, Error: not null })
            {
                // Nothing of it may be left, but other ranks may have written theirs.
                _halfWritten.Enqueue(written.Group);
            }
        }

        pending.Done(pending.Move, pending.Result);
    }

    private void GiveUp(Exception error)
    {
        Pending[] left;
        lock (_gate)
        {
            _gone = error;
            left = [.. _pending.Values];
            _pending.Clear();
        }

        Array.ForEach(left, pending => pending.Done(pending.Move, Nothing(pending.Move, error)));
    }

    private static TierMoveResult Nothing(TierMove move, Exception error) => new(
        [.. Enumerable.Range(0, move switch
        {
            TierMove.ToHost toHost => toHost.Blocks.Count,
            TierMove.ToDisk toDisk => toDisk.Slots.Count,
            TierMove.FromHost fromHost => fromHost.Blocks.Count,
            TierMove.FromDisk fromDisk => fromDisk.Blocks.Count,
            _ => 0,
        })],
        TimeSpan.Zero,
        error);

    private long[] HalfWritten()
    {
        lock (_gate)
        {
            long[] groups = [.. _halfWritten];
            _halfWritten.Clear();
            return groups;
        }
    }

    private sealed class Pending(TierMove move, Action<TierMove, TierMoveResult> done, int ranks)
    {
        private readonly SortedSet<int> _failed = [];
        private TimeSpan _took;
        private int _missing = ranks;

        public TierMove Move => move;

        public Action<TierMove, TierMoveResult> Done => done;

        public Exception? Error { get; private set; }

        public TierMoveResult Result => new([.. _failed], _took, Error);

        /// <summary>Adds what came of it on one more rank; true when no other is missing.</summary>
        public bool IsLast(TierMoveResult result)
        {
            _failed.UnionWith(result.Failed);
            _took = result.Took > _took ? result.Took : _took;
            Error ??= result.Error;
            return --_missing == 0;
        }
    }
}
