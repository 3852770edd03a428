using System.Collections.Concurrent;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// What a decode loop does on its thread, over and over: (1) take commands, (2) take sequences up and ask for their images, (3) plan and
/// run one step, (4) tell what came of it, (5) see to what lies idle. Nothing here is touched by another thread but <see cref="Load"/> and the two flags.
/// </summary>
internal sealed partial class DecodeWorker
{
    private readonly IModelRunner _runner;
    private readonly IShardLink _link;
    private readonly BlockingCollection<EngineCommand> _commands;
    private readonly TimeProvider _time;
    private readonly DecodeLoopOptions _options;
    private readonly IEngineObserver _observer;
    private readonly Action _noLongerWaiting;
    private readonly BlockPool _pool;
    private readonly PrefixCache _cache;
    private readonly Scheduler _scheduler;
    private readonly ResidentImages _images;
    private readonly Dictionary<long, LiveSequence> _live = [];
    private long _step;
    private int _failures;
    private volatile bool _broken;
    private volatile bool _unhealthy;
    private bool _imagesChanged;
    private long _load;

    public DecodeWorker(
        IModelRunner runner,
        IShardLink link,
        IFeatureSource features,
        BlockingCollection<EngineCommand> commands,
        TimeProvider time,
        DecodeLoopOptions options,
        IEngineObserver observer,
        IKvSource? moves,
        LentParts? lent,
        Action noLongerWaiting)
    {
        (_runner, _link, _commands, _time, _options, _observer) = (runner, link, commands, time, options, observer);
        _noLongerWaiting = noLongerWaiting;
        var capacity = runner.Capacity;
        _pool = new BlockPool(capacity.BlockCount);
        _cache = new PrefixCache(_pool);
        _scheduler = new Scheduler(options.LimitsFor(capacity), _pool, _cache) { Preempted = NotePreempted, MayStart = MayStart };
        _began = time.GetTimestamp();
        _parts = link.Followers > 0 ? PartMover.Of(0, runner, moves, lent) : null;
        _ranks = link.Followers > 0 && (_parts is not null || runner.Mover is not null) ? new ReplicaMoves(link, options.Epoch) : null;
        _tiers = TiersOver(runner.Mover);
        _arrivals = ArrivalsFrom(moves);
        _wake = time.CreateTimer(_ => commands.Add(Wake), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _images = new ResidentImages(features, options.IdleImages, commands.Add);
        NoteLoad();
    }

    /// <summary>Any thread. Its waiting count is the loop's.</summary>
    public EngineLoad Load
    {
        get
        {
            var load = Interlocked.Read(ref _load);
            return new EngineLoad(0, (int)(load >> 32), (int)load, _pool.Total) { Tiers = _tiers?.Counts, Moves = _arrivals?.Counts };
        }
    }

    /// <summary>Any thread. The ranks of the replica no longer do the same: nothing can be computed.</summary>
    public bool IsBroken => _broken;

    /// <summary>Any thread.</summary>
    public bool IsHealthy => !_broken && !_unhealthy;

    /// <summary>Until told to stop, or broken.</summary>
    public void Run()
    {
        var busy = false;
        while (!_broken)
        {
            // (1) An idle loop sleeps here.
            TellRest();
            WakeInTime(busy);
            while (busy ? _commands.TryTake(out var command) : (command = _commands.Take()) is not null)
            {
                if (command is EngineCommand.Stop)
                {
                    return;
                }

                Obey(command!);
                busy = true;
            }

            // (2)
            TakeUp();
            // (3), (4)
            var parts = _scheduler.Plan();
            busy = parts.Count > 0;
            if (busy)
            {
                RunStep(parts);
            }

            // (5)
            _tiers?.Advance(Now);
            NoteLoad();
        }
    }

    /// <summary>Ends everything that is left.</summary>
    public void End(Exception error)
    {
        _wake.Dispose();
        EndMoves();
        _images.GiveUpUnless(_ => false);
        foreach (var request in _live.Values.Select(live => live.Request).Distinct().ToArray())
        {
            Leave(request, error);
        }

        _link.Send(new ShardMessage.Stop());
    }

    private void Obey(EngineCommand command)
    {
        switch (command)
        {
            case EngineCommand.Add add:
                foreach (var live in add.Request.Sequences)
                {
                    _live.Add(live.Sequence.Number, live);
                }

                _scheduler.Enqueue(add.Request.Sequences[0].Sequence);
                FetchEarly(add.Request.Sequences[0].Sequence);
                break;
            case EngineCommand.Cancel cancel:
                foreach (var live in cancel.Request.Sequences.Where(IsLive))
                {
                    NoteUntold(live.Sequence);
                    Finish(live, FinishReason.Cancelled, live.Stop.Flush());
                }

                break;
            case EngineCommand.FeaturesCame came when _images.Came(came.Image):
                LoadImage(came.Features);
                break;
            case EngineCommand.FeaturesFailed failed when _images.Came(failed.Image):
                FailImage(failed.Image, failed.Error);
                break;
            case EngineCommand.Moved moved:
                EndMove(moved);
                break;
            case EngineCommand.Arrived arrived:
                EndFetch(arrived);
                break;
            case EngineCommand.Lend lend:
                Lend(lend);
                break;
            case EngineCommand.BeginMove begin:
                begin.Begin();
                break;
            case EngineCommand.TakeBack back:
                TakeBack(back.Loan);
                break;
            case EngineCommand.Forget forget:
                ForgetImages(forget.Images);
                forget.Told.TrySetResult(Forget(forget.Session, forget.Keys));
                break;
            case EngineCommand.Rest rest:
                _resting.Add(rest.Told);
                break;
        }
    }

    private void TakeUp()
    {
        // Again while there are any: one that turns out to wait for an image leaves its place to the next.
        for (var taken = _scheduler.TakeUp(); taken.Count > 0; taken = _scheduler.TakeUp())
        {
            for (var i = 0; i < taken.Count; i++)
            {
                Begin(taken[i]);
            }
        }
    }

    /// <summary>A sequence has its blocks, for the first time or again.</summary>
    private void Begin(Sequence sequence)
    {
        var live = _live[sequence.Number];
        if (!live.IsStarted)
        {
            live.IsStarted = true;
            _noLongerWaiting();
            // Of an answer that goes on, what was found behind the prompt is no part of it.
            var cached = Math.Min(sequence.CachedTokens, sequence.PromptLength);
            live.Request.Publish(new GenerationEvent.Started(sequence.PromptLength, cached) { Choice = sequence.Choice });
        }

        AskForImages(sequence, sequence.Computed);
        StopPreparing(sequence);
    }

    private void NotePreempted(Sequence sequence)
    {
        _imagesChanged = true;
        _observer.Preempted(sequence.Request.Name, sequence.Computed);
    }

    private void Finish(LiveSequence live, FinishReason reason, string text, SampledToken? end = null)
    {
        var finished = new GenerationEvent.Finished(reason, text, live.Timings(), end) { Choice = live.Sequence.Choice };
        Forget(live);
        live.Request.Publish(finished);
        live.Request.CompleteOne();
        if (live.Request.IsUnforked)
        {
            // The others would have begun with its prompt.
            live.Request.IsUnforked = false;
            foreach (var other in live.Request.Sequences.Where(IsLive))
            {
                Finish(other, reason, "");
            }
        }
    }

    /// <summary>All sequences of a request end without an event.</summary>
    private void Leave(LiveRequest request, Exception error)
    {
        foreach (var live in request.Sequences.Where(IsLive))
        {
            Forget(live);
        }

        request.Fail(error);
    }

    private bool IsLive(LiveSequence live) => _live.ContainsKey(live.Sequence.Number);

    /// <summary>Blocks are free, and are counted so, before anybody hears of the end.</summary>
    private void Forget(LiveSequence live)
    {
        if (!live.IsStarted)
        {
            live.IsStarted = true;
            _noLongerWaiting();
        }

        _imagesChanged = true;
        _live.Remove(live.Sequence.Number);
        _scheduler.Remove(live.Sequence);
        StopPreparing(live.Sequence);
        _images.GiveUpUnless(IsMissing);
        NoteLoad();
    }

    /// <summary>Both numbers in one, so that a reader gets those of one moment.</summary>
    private void NoteLoad() => Interlocked.Exchange(ref _load, ((long)_scheduler.Running.Count << 32) | (uint)_pool.Free);
}
