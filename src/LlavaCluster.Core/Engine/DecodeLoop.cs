using System.Collections.Concurrent;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// The engine of one replica: one thread of its own that makes the runner, plans step by step, runs, and tells each sequence what
/// came of it. Sequences join and leave between steps. Everything public may be called from any thread.
/// </summary>
public sealed class DecodeLoop : IDecodeEngine, IKvOwner, IAsyncDisposable
{
    private readonly Func<IModelRunner> _runner;
    private readonly IShardLink _link;
    private readonly IFeatureSource _features;
    private readonly Func<SequenceRequest, IStopRule> _stopRule;
    private readonly TimeProvider _time;
    private readonly DecodeLoopOptions _options;
    private readonly IEngineObserver _observer;
    private readonly IKvSource? _moves;
    private readonly LentParts? _lent;
    private readonly BlockingCollection<EngineCommand> _commands = [];
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Thread? _thread;
    private RunnerCapacity? _capacity;
    private DecodeWorker? _worker;
    private long _sequences;
    private int _waiting;
    private volatile bool _stopping;

    /// <summary>Nothing runs before <see cref="StartAsync"/>.</summary>
    /// <param name="runner">Makes rank 0's runner; called on the engine thread, which also uses and disposes it.</param>
    /// <param name="link">To the followers; disposed at the end.</param>
    /// <param name="features">Where features of images come from.</param>
    /// <param name="stopRule">Makes the stop rule of a sequence.</param>
    /// <param name="time">The clock.</param>
    /// <param name="options">What to take on.</param>
    /// <param name="observer">Is told what happens; null: nobody.</param>
    /// <param name="moves">Where KV of conversations comes from that were computed by other replicas; null: nowhere.</param>
    /// <param name="lent">What the ranks of this process lend to others, where the replica has several; null: nothing.</param>
    public DecodeLoop(
        Func<IModelRunner> runner,
        IShardLink link,
        IFeatureSource features,
        Func<SequenceRequest, IStopRule> stopRule,
        TimeProvider time,
        DecodeLoopOptions options,
        IEngineObserver? observer = null,
        IKvSource? moves = null,
        LentParts? lent = null)
    {
        (_runner, _link, _features, _stopRule, _time, _options) = (runner, link, features, stopRule, time, options);
        _observer = observer ?? new NoObserver();
        (_moves, _lent) = (moves, lent);
    }

    /// <inheritdoc/>
    public EngineLoad Load => _worker is { } worker
        ? worker.Load with { Waiting = Volatile.Read(ref _waiting) }
        : new EngineLoad(0, 0, 0, 0);

    /// <summary>What the runner holds.</summary>
    /// <exception cref="InvalidOperationException">The engine has not started.</exception>
    public RunnerCapacity Capacity => _capacity ?? throw new InvalidOperationException("The engine has not started.");

    /// <summary>False before the start, after the end, and while steps fail one after the other.</summary>
    public bool IsHealthy => !_stopping && _worker is { IsHealthy: true };

    /// <summary>Completes when the thread has ended.</summary>
    public Task Completion => _ended.Task;

    /// <summary>Starts the thread; completes when the runner is made, or fails with what its factory threw.</summary>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_thread is not null)
        {
            throw new InvalidOperationException("The engine was started before.");
        }

        _thread = new Thread(Run) { IsBackground = true, Name = "decode loop" };
        _thread.Start();
        return _started.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Refuses new sequences, ends those that are there, waits for the thread.</summary>
    public Task StopAsync()
    {
        _stopping = true;
        if (_thread is null)
        {
            _link.Dispose();
            _ended.TrySetResult();
        }

        _commands.Add(new EngineCommand.Stop());
        return _ended.Task;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => new(StopAsync());

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationEvent> GenerateAsync(SequenceRequest request, CancellationToken cancellationToken) =>
        new SequenceStream(this, request, cancellationToken);

    /// <inheritdoc/>
    public async Task<int> ForgetAsync(SequenceRequest conversation)
    {
        if (_capacity is not { } capacity || _ended.Task.IsCompleted)
        {
            return 0;
        }

        var keys = new BlockKeys(capacity.BlockTokens, conversation.Tenant, conversation.Images, _options.Checkpoint);
        var chain = keys.First(conversation.TokenIds.ToArray(), conversation.TokenIds.Count / capacity.BlockTokens).ToArray();
        var told = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Add(new EngineCommand.Forget(conversation.Session, chain, conversation.Images, told));
        // An engine that ends forgets everything.
        return await Task.WhenAny(told.Task, _ended.Task).ConfigureAwait(false) == told.Task ? await told.Task.ConfigureAwait(false) : 0;
    }

    /// <summary>
    /// Completes when no turn is left, and no KV block is moved or should be by now: what was asked for before is done, as far as it does
    /// not wait for time to pass. Also when the engine ends.
    /// </summary>
    /// <exception cref="InvalidOperationException">The engine has not started.</exception>
    public Task RestAsync(CancellationToken cancellationToken = default)
    {
        _ = Capacity;
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Add(new EngineCommand.Rest(told), cancellationToken);
        return Task.WhenAny(told.Task, _ended.Task).WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<KvLoan?> LendAsync(IReadOnlyList<UInt128> keys)
    {
        if (_capacity is null || _ended.Task.IsCompleted)
        {
            return null;
        }

        var told = new TaskCompletionSource<KvLoan?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Add(new EngineCommand.Lend(keys, told));
        return await Task.WhenAny(told.Task, _ended.Task).ConfigureAwait(false) == told.Task ? await told.Task.ConfigureAwait(false) : null;
    }

    /// <summary>Queues the sequences of a request.</summary>
    internal LiveRequest Admit(SequenceRequest request)
    {
        if (_capacity is not { } capacity || _stopping || _worker is { IsBroken: true })
        {
            throw Stopping();
        }

        var longest = _options.LimitsFor(capacity).LongestSequence(capacity.BlockCount);
        var maxTokens = AdmissionRule.MaxTokens(request, capacity.MaxPositions, longest);
        AdmissionRule.CheckChoices(request.Choices, _options.MaxWaiting);
        var live = LiveOf(request, maxTokens, capacity);
        if (EarlierAnswer.TakeUp(live))
        {
            return live;
        }

        // Taking places first and giving them back: two that come at once cannot both get the last one.
        var waiting = Interlocked.Add(ref _waiting, request.Choices);
        if (waiting > _options.MaxWaiting)
        {
            Interlocked.Add(ref _waiting, -request.Choices);
            throw new SequenceRefusedException(RefusalReason.QueueFull, request.Choices == 1
                ? $"{_options.MaxWaiting} sequences wait already; this replica lets no more wait. Try again in a moment."
                : $"{waiting - request.Choices} sequences wait already and this request has {request.Choices}; this replica lets "
                    + $"{_options.MaxWaiting} wait. Try again in a moment.");
        }

        foreach (var answer in live.Sequences)
        {
            // The hashes of a long prompt are worked out here, on the caller's thread: the engine's has better things to do.
            answer.Sequence.ShareableKeys(capacity.BlockTokens);
        }

        _commands.Add(new EngineCommand.Add(live));
        if (_ended.Task.IsCompleted)
        {
            // The thread ended between the first check and here: nobody will take the command.
            live.Fail(Stopping());
        }

        return live;
    }

    /// <summary>Frees a request's sequences within one step; nothing happens when they have ended.</summary>
    internal void Cancel(LiveRequest live) => _commands.Add(new EngineCommand.Cancel(live));

    private LiveRequest LiveOf(SequenceRequest request, int maxTokens, RunnerCapacity capacity) => new(
        Enumerable.Range(0, request.Choices).Select(choice => (
            new Sequence(Interlocked.Increment(ref _sequences), request, maxTokens, capacity.BlockTokens, _options.Checkpoint, choice),
            _stopRule(request))),
        _time);

    private static SequenceRefusedException Stopping() =>
        new(RefusalReason.Stopping, "This replica is not serving: it is starting, stopping, or has failed. Try again in a moment.");

    private void Run()
    {
        try
        {
            using var runner = _runner();
            _capacity = runner.Capacity;
            var worker = new DecodeWorker(
                runner, _link, _features, _commands, _time, _options, _observer, _moves, _lent, () => Interlocked.Decrement(ref _waiting));
            _worker = worker;
            _started.TrySetResult();
            try
            {
                worker.Run();
            }
            catch (Exception error)
            {
                _observer.LoopFailed(error);
            }

            _stopping = true;
            worker.End(Stopping());
        }
        catch (Exception error)
        {
            // Making or disposing the runner failed.
            if (!_started.TrySetException(error))
            {
                _observer.LoopFailed(error);
            }
        }
        finally
        {
            _stopping = true;
            _link.Dispose();
            _ended.TrySetResult();
            while (_commands.TryTake(out var command))
            {
                (command as EngineCommand.Add)?.Request.Fail(Stopping());
            }
        }
    }
}
