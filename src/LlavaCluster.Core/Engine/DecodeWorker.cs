using System.Collections.Concurrent;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// What a decode loop does on its thread, over and over: (1) take commands, (2) take sequences up and ask for their images, (3) plan and
/// run one step, (4) tell what came of it. Nothing here is touched by another thread but <see cref="Load"/> and the two flags.
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
