namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// Decides what each step computes. Sequences wait in a fair order (<see cref="WaitingQueue"/>), are taken up when there is room, and
/// then take part in every step: one token when they decode, a chunk of the prompt when they prefill (<see cref="StepParts"/>), all
/// within the step's budget. When blocks run out, the youngest goes back to the queue. Pure: no clock, no threads, no model; engine
/// thread only. In steady state a step allocates nothing.
/// </summary>
public sealed partial class Scheduler
{
    /// <summary>Waiting sequences that are looked at when the first of them finds no blocks.</summary>
    private const int Candidates = 16;

    private readonly SchedulerLimits _limits;
    private readonly BlockPool _pool;
    private readonly PrefixCache _cache;
    private readonly WaitingQueue _waiting = new();
    private readonly List<Sequence> _running = [];
    private readonly List<Sequence> _candidates = [];
    private readonly List<Sequence> _taken = [];
    private Sequence? _blocked;
    private int _overtakes;
    private bool _roomChanged;

    /// <summary>Over a pool and the cache of that pool.</summary>
    /// <exception cref="ArgumentException">The budget of a step is less than one token for every running sequence.</exception>
    public Scheduler(SchedulerLimits limits, BlockPool pool, PrefixCache cache)
    {
        if (limits.StepTokens < limits.MaxRunning)
        {
            throw new ArgumentException(
                $"A step of {limits.StepTokens} tokens cannot serve {limits.MaxRunning} running sequences; raise one or lower the other.",
                nameof(limits));
        }

        (_limits, _pool, _cache) = (limits, pool, cache);
        _parts = new StepParts(limits);
    }

    /// <summary>Called with a sequence that lost its blocks to an older one, before they are gone.</summary>
    public Action<Sequence>? Preempted { get; set; }

    /// <summary>Sequences in the queue.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Sequences that are being computed, oldest first.</summary>
    public IReadOnlyList<Sequence> Running => _running;

    /// <summary>Puts a sequence at the end of its tenant's line.</summary>
    public void Enqueue(Sequence sequence)
    {
        _waiting.Add(sequence);
        _roomChanged = true;
    }

    /// <summary>
    /// Takes sequences up from the queue while there is room: each gets the blocks of its whole prompt, those that the cache knows
    /// and fresh ones, and leaves one free for each that runs already. At least its last token remains to be computed.
    /// </summary>
    /// <returns>
    /// The sequences taken up now; holds until the next call. The caller sets what images they miss before the next plan.
    /// </returns>
    public IReadOnlyList<Sequence> TakeUp()
    {
        _taken.Clear();
        SharePlaces();
        // Blocks and places become free only where the flag is set: a queue that waits for them costs nothing per step.
        while (_roomChanged && _places < _limits.MaxRunning && NextThatFits() is { } sequence)
        {
            _waiting.Remove(sequence);
            Hold(sequence);
            _taken.Add(sequence);
        }

        // With all places taken nobody was asked: the next free place sets the flag again.
        _roomChanged = false;
        return _taken;
    }

    /// <summary>
    /// Takes up another answer of a request whose prompt is computed: it shares the full blocks, has a copy of the last one, and
    /// computes the prompt's last token again to get logits of its own. Without room for that it is queued like any other.
    /// </summary>
    public void Fork(Sequence parent, Sequence child)
    {
        var shared = (child.PromptLength - 1) / _limits.BlockTokens;
        if (_places >= _limits.MaxRunning || _waiting.FirstPreempted is not null
            || parent.Computed < child.PromptLength || _pool.Free <= _running.Count)
        {
            Enqueue(child);
            return;
        }

        for (var i = 0; i < shared; i++)
        {
            _pool.Retain(parent.Blocks[i]);
            child.Blocks.Add(parent.Blocks[i]);
        }

        _pool.TryTake(1, child.Blocks);
        if (child.PromptLength - 1 > shared * _limits.BlockTokens)
        {
            _copies.Add(new BlockCopy(parent.Blocks[shared], child.Blocks[shared]));
        }

        child.PublishedBlocks = shared;
        _waiting.Introduce(child);
        Start(child, child.PromptLength - 1);
    }

    /// <summary>Takes a sequence out, wherever it is; its blocks are freed.</summary>
    public void Remove(Sequence sequence)
    {
        if (_running.Remove(sequence))
        {
            LeavePlace(sequence);
        }
        else
        {
            _waiting.Remove(sequence);
        }

        if (_blocked == sequence)
        {
            _blocked = null;
        }

        Release(sequence);
    }

    /// <summary>
    /// The next to be taken up. The one that should be, but finds no blocks, may be overtaken so often; one that was preempted may not
    /// be, since whoever comes would take the blocks that it waits for.
    /// </summary>
    private Sequence? NextThatFits()
    {
        if (_waiting.FirstPreempted is { } preempted)
        {
            return !preempted.IsHeldUp && Fits(preempted) && IsReady(preempted) ? preempted : null;
        }

        if (_blocked is not null && _overtakes >= _limits.MaxOvertakes)
        {
            if (!Fits(_blocked))
            {
                return null;
            }

            if (IsReady(_blocked))
            {
                return _blocked;
            }

            _blocked = null;
        }

        while (true)
        {
            _candidates.Clear();
            _waiting.Next(Candidates, _candidates);
            var heldUp = 0;
            foreach (var candidate in _candidates)
            {
                if (!Fits(candidate))
                {
                    if (_blocked is null)
                    {
                        (_blocked, _overtakes) = (candidate, 0);
                    }
                }
                else if (IsReady(candidate))
                {
                    return candidate;
                }
                else
                {
                    heldUp++;
                }
            }

            // Those who wait for something else than room do not hide those behind them.
            if (heldUp == 0)
            {
                return null;
            }
        }
    }

    /// <summary>Asks whether a sequence that fits has all it needs; one that has not is passed over from now on.</summary>
    private bool IsReady(Sequence sequence)
    {
        if (MayStart is null || MayStart(sequence, _cache.Find(sequence.ShareableKeys(_limits.BlockTokens)).Known * _limits.BlockTokens))
        {
            return true;
        }

        sequence.IsHeldUp = true;
        if (_blocked == sequence)
        {
            _blocked = null;
        }

        return false;
    }

    private bool Fits(Sequence sequence)
    {
        var (known, free) = _cache.Find(sequence.ShareableKeys(_limits.BlockTokens));
        return _limits.BlocksFor(sequence.Length) - known + free + _running.Count <= _pool.Free;
    }

    private void Hold(Sequence sequence)
    {
        if (_blocked == sequence)
        {
            _blocked = null;
        }
        else if (_blocked is not null)
        {
            _overtakes++;
        }

        var known = _cache.Match(sequence.ShareableKeys(_limits.BlockTokens), sequence.Blocks);
        if (!_pool.TryTake(_limits.BlocksFor(sequence.Length) - known, sequence.Blocks))
        {
            throw new InvalidOperationException($"Sequence {sequence.Number} was taken up without blocks for it.");
        }

        sequence.PublishedBlocks = known;
        Start(sequence, known * _limits.BlockTokens);
    }

    private void Start(Sequence sequence, int computed)
    {
        sequence.Computed = computed;
        if (!sequence.Started)
        {
            sequence.Started = true;
            sequence.CachedTokens = computed;
            _waiting.Charge(sequence);
        }

        var at = _running.Count;
        while (at > 0 && _running[at - 1].Number > sequence.Number)
        {
            at--;
        }

        _running.Insert(at, sequence);
        TakePlace(sequence);
    }

    /// <summary>Puts a running sequence back into the queue.</summary>
    private void PutBack(Sequence sequence)
    {
        sequence.Preemptions++;
        Preempted?.Invoke(sequence);
        _running.Remove(sequence);
        LeavePlace(sequence);
        Release(sequence);
        _waiting.PutBack(sequence);
    }

    /// <summary>Blocks of a sequence go back, its end first: what is nearest to the start is worth keeping longest.</summary>
    private void Release(Sequence sequence)
    {
        for (var i = sequence.Blocks.Count - 1; i >= 0; i--)
        {
            _pool.Return(sequence.Blocks[i]);
        }

        sequence.Blocks.Clear();
        sequence.Computed = 0;
        sequence.PublishedBlocks = 0;
        sequence.MissingImages.Clear();
        _roomChanged = true;
    }
}
