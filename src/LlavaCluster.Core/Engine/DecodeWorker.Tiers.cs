using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// KV blocks in slower memory: a sequence whose blocks are there waits in the queue until they are back. Of several ranks each has its own,
/// for its heads, and does what this one decides.
/// </summary>
internal sealed partial class DecodeWorker
{
    private static readonly EngineCommand Wake = new EngineCommand.Wake();

    private readonly KvTiers? _tiers;
    private readonly UntoldBlocks _untold = new();
    private readonly List<TaskCompletionSource> _resting = [];
    private readonly ITimer _wake;
    private readonly long _began;

    private TimeSpan Now => _time.GetElapsedTime(_began);

    private KvTiers? TiersOver(IBlockMover? mover) => mover is null
        ? null
        : new KvTiers(
            _pool,
            _cache,
            _ranks is not null ? new ReplicaMover(mover, _ranks) : mover,
            _runner.Capacity.BlockTokens,
            _options.Tiers,
            (move, result) => _commands.Add(new EngineCommand.Moved(move, result)))
        {
            Failed = _observer.MoveFailed,
            Promoted = _scheduler.LetGo,
        };

    /// <summary>A waiting sequence has room: are its blocks on the device, as far as they are known, and its first image there?</summary>
    private bool MayStart(Sequence sequence, int known) => _arrivals?.IsAwaitedBy(sequence) != true
        && _tiers?.Promote(sequence, sequence.ShareableKeys(_runner.Capacity.BlockTokens)) != true
        && !Fetch(sequence)
        && HasItsImage(sequence, known);

    private void EndMove(EngineCommand.Moved moved)
    {
        _tiers!.Done(moved.Move, moved.Result, Now);
        if (moved.Move is TierMove.FromHost or TierMove.FromDisk)
        {
            _scheduler.NoteRoom();
        }

        _observer.Moved(_tiers.Counts);
    }

    /// <summary>An engine that has nothing to do wakes when something was idle for long enough.</summary>
    private void WakeInTime(bool busy)
    {
        if (busy || _tiers?.NextDue() is not { } due)
        {
            return;
        }

        if (due - Now is var wait && wait > TimeSpan.Zero)
        {
            _wake.Change(wait, Timeout.InfiniteTimeSpan);
        }

        // It may have come between two looks at the clock.
        if (Now >= due)
        {
            _commands.Add(Wake);
        }
    }

    /// <summary>Tells those who wait for it that no turn is left, and that no block is moved or should be by now.</summary>
    private void TellRest()
    {
        if (_resting.Count > 0 && _live.Count == 0 && _tiers is not { IsMoving: true } && _arrivals is not { IsBusy: true }
            && !(_tiers?.NextDue() <= Now))
        {
            _resting.ForEach(told => told.TrySetResult());
            _resting.Clear();
        }
    }

    /// <summary>A turn is cancelled: whoever read it may not have been told all that its blocks hold.</summary>
    private void NoteUntold(Sequence sequence)
    {
        var (known, first) = (sequence.PublishedBlocks, sequence.PromptLength / _runner.Capacity.BlockTokens);
        if (known > first)
        {
            _untold.Note(sequence.Request.Session, sequence.Keys.First(sequence.Ids.Span, known)[first..]);
        }
    }

    private int Forget(string session, ReadOnlySpan<UInt128> keys)
    {
        // They would hold the conversation's own blocks, as those of a fork do.
        var forgotten = _untold.Take(session).Sum(chain => Forget(chain));
        return forgotten + Forget(keys);
    }

    private int Forget(ReadOnlySpan<UInt128> keys)
    {
        _arrivals?.Forget(keys);
        NoteLent(keys);
        return ForgetHere(keys);
    }

    private int ForgetHere(ReadOnlySpan<UInt128> keys) => _tiers is not null
        ? _tiers.Forget(keys)
        : ChainEnd.Forget(keys, _cache.Keys, key =>
        {
            var isFree = _cache.TryGet(key, out var block) && _pool.ReferencesOf(block) == 0;
            if (isFree)
            {
                _cache.Remove(block);
            }

            return isFree;
        });
}
