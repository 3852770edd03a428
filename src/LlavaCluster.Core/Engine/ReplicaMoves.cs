using LlavaCluster.Core.Links;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// What all ranks of a replica do with KV blocks beside their steps: a block has the same number on every rank, and on each that rank's heads
/// in it. A move is done when all ranks have done it; what did not arrive on one has not arrived. Followers begin a move in its place among
/// the plans, so behind the steps that filled its blocks, and nothing that they still copy can be taken for done: so each may copy beside its
/// steps at its own pace. With a rank gone no move arrives any more: whoever waits computes, and finds the replica broken. What a rank says
/// of a move that it was not told, or of blocks that the move does not have, is not believed. Engine thread only, but for what comes back.
/// </summary>
internal sealed class ReplicaMoves
{
    private readonly IShardLink _link;
    private readonly long _epoch;
    private readonly Lock _gate = new();
    private readonly Dictionary<long, Pending> _pending = [];
    private long _number;
    private Exception? _gone;

    /// <summary>None is under way.</summary>
    /// <param name="link">To the followers.</param>
    /// <param name="epoch">Formation of the replica's ranks.</param>
    public ReplicaMoves(IShardLink link, long epoch)
    {
        (_link, _epoch) = (link, epoch);
        link.Answered = Arrive;
    }

    /// <summary>Has all ranks do one thing.</summary>
    /// <param name="blocks">Blocks that are moved.</param>
    /// <param name="message">What the followers are told, of epoch and number.</param>
    /// <param name="own">Has this rank do it; is given whom to tell what came of it.</param>
    /// <param name="done">Called once with what came of it on all, on any thread, unless the engine ends first.</param>
    public void Begin(int blocks, Func<long, long, ShardMessage> message, Action<Action<TierMoveResult>> own, Action<TierMoveResult> done)
    {
        long number;
        Exception? gone;
        lock (_gate)
        {
            (number, gone) = (++_number, _gone);
            if (gone is null)
            {
                _pending.Add(number, new Pending(blocks, done, _link.Followers + 1));
            }
        }

        if (gone is { } error)
        {
            done(Nothing(blocks, error));
            return;
        }

        try
        {
            _link.Send(message(_epoch, number));
        }
        catch (RankLinkException lost)
        {
            GiveUp(lost);
            return;
        }

        own(result => Arrive(0, new MoveAnswer(number, result)));
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
        }

        pending.Done(pending.Result);
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

        Array.ForEach(left, pending => pending.Done(Nothing(pending.Blocks, error)));
    }

    private static TierMoveResult Nothing(int blocks, Exception error) => new([.. Enumerable.Range(0, blocks)], TimeSpan.Zero, error);

    private sealed class Pending(int blocks, Action<TierMoveResult> done, int ranks)
    {
        private readonly SortedSet<int> _failed = [];
        private readonly HashSet<int> _missing = [.. Enumerable.Range(0, ranks)];
        private TimeSpan _took;
        private Exception? _error;
        private int _damaged, _attempts;

        public int Blocks => blocks;

        public Action<TierMoveResult> Done => done;

        public TierMoveResult Result => new([.. _failed], _took, _error) { Damaged = _damaged, Attempts = _attempts };

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
                if (index < 0 || index >= blocks)
                {
                    throw new InvalidDataException($"It says that block {index} of move {answer.Number} failed; the move has {blocks}.");
                }
            }

            _failed.UnionWith(result.Failed);
            _took = result.Took > _took ? result.Took : _took;
            _error ??= result.Error;
            _damaged += result.Damaged;
            _attempts += result.Attempts;
            return _missing.Count == 0;
        }
    }
}
