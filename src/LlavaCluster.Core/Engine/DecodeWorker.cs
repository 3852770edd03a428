using System.Collections.Concurrent;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// What a decode loop does on its thread, over and over: (1) take commands, (2) take sequences up and ask for their images, (3) plan and
/// run one step, (4) tell what came of it. Nothing here is touched by another thread but <see cref="Load"/> and the two flags.
/// </summary>
internal sealed class DecodeWorker
{
    private readonly IModelRunner _runner;
    private readonly IShardLink _link;
    private readonly BlockingCollection<EngineCommand> _commands;
    private readonly TimeProvider _time;
    private readonly DecodeLoopOptions _options;
    private readonly IEngineObserver _observer;
    private readonly Action _noLongerWaiting;
    private readonly BlockPool _pool;
    private readonly Scheduler _scheduler;
    private readonly ResidentImages _images;
    private readonly Dictionary<long, LiveSequence> _live = [];
    private long _step;
    private int _failures;
    private volatile bool _broken;
    private volatile bool _unhealthy;
    private volatile EngineLoad _load;

    public DecodeWorker(
        IModelRunner runner,
        IShardLink link,
        IFeatureSource features,
        BlockingCollection<EngineCommand> commands,
        TimeProvider time,
        DecodeLoopOptions options,
        IEngineObserver observer,
        Action noLongerWaiting)
    {
        (_runner, _link, _commands, _time, _options, _observer) = (runner, link, commands, time, options, observer);
        _noLongerWaiting = noLongerWaiting;
        var capacity = runner.Capacity;
        _pool = new BlockPool(capacity.BlockCount);
        _scheduler = new Scheduler(
            new SchedulerLimits(options.StepTokens, options.MaxRunning, capacity.BlockTokens, capacity.MaxPositions),
            _pool,
            new PrefixCache(_pool));
        _images = new ResidentImages(features, options.IdleImages, commands.Add);
        _load = new EngineLoad(0, 0, _pool.Free, _pool.Total);
    }

    /// <summary>Any thread. Its waiting count is the loop's.</summary>
    public EngineLoad Load => _load;

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

            NoteLoad();
        }
    }

    /// <summary>Ends everything that is left.</summary>
    public void End(Exception error)
    {
        _images.GiveUpUnless(_ => false);
        foreach (var live in _live.Values.ToArray())
        {
            Leave(live, error);
        }

        _link.Send(new ShardMessage.Stop());
    }

    private void Obey(EngineCommand command)
    {
        switch (command)
        {
            case EngineCommand.Add add:
                _live.Add(add.Live.Sequence.Number, add.Live);
                _scheduler.Enqueue(add.Live.Sequence);
                break;
            case EngineCommand.Cancel cancel when _live.ContainsKey(cancel.Live.Sequence.Number):
                Finish(cancel.Live, FinishReason.Cancelled, cancel.Live.Stop.Flush());
                break;
            case EngineCommand.FeaturesCame came when _images.Came(came.Image):
                LoadImage(came.Features);
                break;
            case EngineCommand.FeaturesFailed failed when _images.Came(failed.Image):
                FailImage(failed.Image, failed.Error);
                break;
        }
    }

    private void TakeUp()
    {
        foreach (var sequence in _scheduler.TakeUp())
        {
            var live = _live[sequence.Number];
            if (!live.IsStarted)
            {
                live.IsStarted = true;
                _noLongerWaiting();
                live.Publish(new GenerationEvent.Started(sequence.PromptLength, sequence.CachedTokens));
            }

            foreach (var span in sequence.Request.Images)
            {
                if (span.End > sequence.Computed && !_images.Touch(span.Image))
                {
                    sequence.MissingImages.Add(span.Image);
                    _images.Fetch(span, sequence.Request.Encoders.GetValueOrDefault(span.Image.Hex));
                }
            }
        }
    }

    private void RunStep(IReadOnlyList<(Sequence Sequence, int Count)> parts)
    {
        var plan = _scheduler.Compose(_options.Epoch, _step++, parts);
        foreach (var (sequence, _) in parts)
        {
            _live[sequence.Number].NoteStep();
        }

        var began = _time.GetTimestamp();
        StepOutput output;
        try
        {
            _link.Send(new ShardMessage.Run(plan));
            output = _runner.Run(plan);
            var asked = plan.Slices.Count(slice => slice.Sample is not null);
            if (output.Tokens.Count != asked)
            {
                throw new InvalidOperationException($"The runner gave {output.Tokens.Count} tokens; the plan asked for {asked}.");
            }
        }
        catch (Exception error)
        {
            StepFailed(parts, error);
            return;
        }

        (_failures, _unhealthy) = (0, false);
        _observer.StepDone(parts.Sum(part => part.Count), output.Tokens.Count, _time.GetElapsedTime(began));
        var next = 0;
        for (var i = 0; i < parts.Count; i++)
        {
            var (sequence, count) = parts[i];
            _scheduler.Commit(sequence, count);
            if (plan.Slices[i].Sample is not null)
            {
                TakeSafely(_live[sequence.Number], output.Tokens[next++]);
            }
        }

        ForgetImages();
    }

    /// <summary>
    /// One sequence may have spoilt the step for all: each is run alone, so that the others live. With followers that cannot be done,
    /// since nobody knows how far each of them came.
    /// </summary>
    private void StepFailed(IReadOnlyList<(Sequence Sequence, int Count)> parts, Exception error)
    {
        _observer.StepFailed([.. parts.Select(part => _live[part.Sequence.Number].Name)], error);
        if (_link.Followers > 0)
        {
            _broken = true;
        }
        else if (parts.Count > 1)
        {
            foreach (var part in parts)
            {
                RunStep([part]);
            }

            return;
        }

        _unhealthy = ++_failures >= _options.UnhealthyAfter;
        foreach (var (sequence, _) in parts)
        {
            Finish(_live[sequence.Number], FinishReason.Failed, "");
        }
    }

    /// <summary>A stop rule that fails takes only its own sequence with it.</summary>
    private void TakeSafely(LiveSequence live, SampledToken token)
    {
        try
        {
            Take(live, token);
        }
        catch (Exception error)
        {
            _observer.StepFailed([live.Name], error);
            Finish(live, FinishReason.Failed, "");
        }
    }

    private void Take(LiveSequence live, SampledToken token)
    {
        var sequence = live.Sequence;
        live.NoteToken();
        var verdict = live.Stop.Push(token.Id);
        if (verdict.Outcome == StopOutcome.EndOfSequence)
        {
            Finish(live, FinishReason.Stop, verdict.Text + live.Stop.Flush(), token);
            return;
        }

        live.Publish(new GenerationEvent.Generated(sequence.Generated, [token], verdict.Text));
        sequence.Append(token.Id);
        if (verdict.Outcome == StopOutcome.StopText)
        {
            Finish(live, FinishReason.Stop, "");
        }
        else if (sequence.Generated >= sequence.MaxTokens)
        {
            Finish(live, FinishReason.Length, live.Stop.Flush());
        }
        else if (live.Unread is var unread && unread > _options.AbandonedAfter)
        {
            _observer.SequenceAbandoned(live.Name, unread);
            Finish(live, FinishReason.Cancelled, live.Stop.Flush());
        }
    }

    private void LoadImage(ImageFeatures features)
    {
        if (!IsMissing(features.Image))
        {
            return;
        }

        try
        {
            _link.Send(new ShardMessage.LoadImage(features));
            _runner.LoadImage(features);
        }
        catch (Exception error)
        {
            _broken |= _link.Followers > 0;
            FailImage(features.Image, error);
            return;
        }

        _images.Loaded(features.Image);
        foreach (var sequence in _scheduler.Running)
        {
            sequence.MissingImages.Remove(features.Image);
        }

        ForgetImages();
    }

    private void FailImage(ImageHash image, Exception error)
    {
        var waiting = _scheduler.Running.Where(s => s.MissingImages.Contains(image)).Select(s => _live[s.Number]).ToArray();
        _observer.ImageFailed(image.Hex, [.. waiting.Select(live => live.Name)], error);
        foreach (var live in waiting)
        {
            Leave(live, error);
        }
    }

    private void ForgetImages()
    {
        foreach (var image in _images.TakeSurplus(IsNeeded))
        {
            _link.Send(new ShardMessage.ForgetImage(image));
            _runner.ForgetImage(image);
        }
    }

    private bool IsMissing(ImageHash image) => _scheduler.Running.Any(s => s.MissingImages.Contains(image));

    private bool IsNeeded(ImageHash image) =>
        _scheduler.Running.Any(s => s.Request.Images.Any(span => span.Image == image && span.End > s.Computed));

    private void Finish(LiveSequence live, FinishReason reason, string text, SampledToken? end = null)
    {
        var finished = new GenerationEvent.Finished(reason, text, live.Timings(), end);
        Forget(live);
        live.Publish(finished);
        live.Complete(null);
    }

    private void Leave(LiveSequence live, Exception error)
    {
        Forget(live);
        live.Complete(error);
    }

    /// <summary>Blocks are free, and are counted so, before anybody hears of the end.</summary>
    private void Forget(LiveSequence live)
    {
        if (!live.IsStarted)
        {
            live.IsStarted = true;
            _noLongerWaiting();
        }

        _live.Remove(live.Sequence.Number);
        _scheduler.Remove(live.Sequence);
        _images.GiveUpUnless(IsMissing);
        NoteLoad();
    }

    private void NoteLoad() => _load = new EngineLoad(0, _scheduler.Running.Count, _pool.Free, _pool.Total);
}
