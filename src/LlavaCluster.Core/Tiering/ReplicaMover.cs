using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;

namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Moves KV blocks on all ranks of a replica: a block, a slot, a group have the same number on every rank, and on each that rank's heads in
/// them. A move is done when all ranks have done it; what did not arrive on one has not arrived. Followers begin a move in its place among the
/// plans, so behind the steps that filled its blocks, and nothing that they still copy can be taken for done: so each may copy beside its
/// steps at its own pace. With a rank gone no move arrives any more: whoever waits computes, and finds the replica broken. What a rank says
/// of a move that it was not told, or of blocks that the move does not have, is not believed. Engine thread only, but for what comes back.
/// </summary>
internal sealed class ReplicaMover : IBlockMover
{
    private readonly IBlockMover _own;
    private readonly IShardLink _link;
    private readonly long _epoch;
    private readonly Lock _gate = new();
    private readonly Dictionary<long, Pending> _pending = [];
    private readonly Queue<long> _halfWritten = [];
    private long _number;
    private Exception? _gone;

    /// <summary>Over the leader's own mover.</summary>
    /// <param name="own">Rank 0's; those of the others hold as much.</param>
    /// <param name="link">To the others.</param>
    /// <param name="epoch">Formation of the replica's ranks.</param>
    public ReplicaMover(IBlockMover own, IShardLink link, long epoch)
    {
        (_own, _link, _epoch) = (own, link, epoch);
        link.Answered = Arrive;
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

        try
        {
            _link.Send(new ShardMessage.Move(_epoch, number, move));
        }
        catch (RankLinkException lost)
        {
            GiveUp(lost);
            return;
        }

        _own.Begin(move, (_, result) => Arrive(0, new MoveAnswer(number, result)));
    }

    private void Arrive(int rank, MoveAnswer answer)
    {
        if (answer.Number == 0)
        {
            GiveUp(answer.Result.Error!);
            return;
        }

        Pending? pending;
        lock (_gate)
        {
            if (answer.Number > _number)
            {
                throw new InvalidDataException($"It answers move {answer.Number}; the last one was {_number}.");
            }

            // One that was given up is not there any more.
            if (!_pending.TryGetValue(answer.Number, out pending) || !pending.IsLast(rank, answer))
            {
                return;
            }

            _pending.Remove(answer.Number);
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
            _gone ??= error;
            left = [.. _pending.Values];
            _pending.Clear();
        }

        Array.ForEach(left, pending => pending.Done(pending.Move, Nothing(pending.Move, error)));
    }

    private static TierMoveResult Nothing(TierMove move, Exception error) =>
        new([.. Enumerable.Range(0, move.Count)], TimeSpan.Zero, error);

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
        private readonly HashSet<int> _missing = [.. Enumerable.Range(0, ranks)];
        private TimeSpan _took;

        public TierMove Move => move;

        public Action<TierMove, TierMoveResult> Done => done;

        public Exception? Error { get; private set; }

        public TierMoveResult Result => new([.. _failed], _took, Error);

        /// <summary>Adds what came of it on one more rank; true when no other is missing.</summary>
        public bool IsLast(int rank, MoveAnswer answer)
        {
            var result = answer.Result;
            if (!_missing.Remove(rank))
            {
                throw new InvalidDataException($"It answers move {answer.Number} twice.");
            }

            foreach (var index in result.Failed)
            {
                if (index < 0 || index >= move.Count)
                {
                    throw new InvalidDataException($"It says that block {index} of move {answer.Number} failed; the move has {move.Count}.");
                }
            }

            _failed.UnionWith(result.Failed);
            _took = result.Took > _took ? result.Took : _took;
            Error ??= result.Error;
            return _missing.Count == 0;
        }
    }
}
