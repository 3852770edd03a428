namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// Decides what each step computes. Sequences wait in order of arrival, are taken up when there is room, and then take part in every
/// step: one token when they decode, a chunk of the prompt when they prefill, all within the step's budget. Pure: no clock, no
/// threads, no model; engine thread only.
/// </summary>
public sealed class Scheduler
{
    private readonly SchedulerLimits _limits;
    private readonly BlockPool _pool;
    private readonly PrefixCache _cache;
    private readonly LinkedList<Sequence> _waiting = [];
    private readonly List<Sequence> _running = [];

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
    }

    /// <summary>Sequences in the queue.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Sequences that are being computed, oldest first.</summary>
    public IReadOnlyList<Sequence> Running => _running;

    /// <summary>Puts a sequence at the end of the queue.</summary>
    public void Enqueue(Sequence sequence) => _waiting.AddLast(sequence);

    /// <summary>
    /// Takes sequences up from the queue, in order, while there is room: each gets the blocks of its whole prompt, those that the
    /// cache knows and fresh ones. At least its last token remains to be computed.
    /// </summary>
    /// <returns>The sequences taken up now. The caller sets what images they miss before the next plan.</returns>
    public IReadOnlyList<Sequence> TakeUp()
    {
        List<Sequence>? taken = null;
        while (_running.Count < _limits.MaxRunning && _waiting.First is { Value: var sequence } && TryHold(sequence))
        {
            _waiting.RemoveFirst();
            InsertByAge(sequence);
            (taken ??= []).Add(sequence);
        }

        return taken ?? (IReadOnlyList<Sequence>)[];
    }

    /// <summary>What the next step computes: decodes first, then prompts in order of arrival; empty when nothing can be computed.</summary>
    public IReadOnlyList<(Sequence Sequence, int Count)> Plan()
    {
        var parts = new List<(Sequence, int)>();
        var budget = _limits.StepTokens;
        // From the oldest on: when blocks run out it is the youngest that goes back to the queue, so never one that has its part.
        for (var i = 0; i < _running.Count; i++)
        {
            var sequence = _running[i];
            if (sequence.Length - sequence.Computed == 1 && sequence.ComputableEnd() == sequence.Length && TryGrow(sequence))
            {
                parts.Add((sequence, 1));
                budget--;
            }
        }

        foreach (var sequence in _running)
        {
            var count = Math.Min(sequence.ComputableEnd() - sequence.Computed, budget);
            if (count > 0 && sequence.Length - sequence.Computed > 1)
            {
                parts.Add((sequence, count));
                budget -= count;
            }
        }

        return parts;
    }

    /// <summary>The plan of these parts.</summary>
    public StepPlan Compose(long epoch, long step, IReadOnlyList<(Sequence Sequence, int Count)> parts) =>
        new(epoch, step, [.. parts.Select(part => part.Sequence.Slice(part.Count, _limits.BlockTokens))]);

    /// <summary>Notes that a part was computed: its full blocks can be found from now on.</summary>
    public void Commit(Sequence sequence, int count)
    {
        sequence.Computed += count;
        var full = sequence.Computed / _limits.BlockTokens;
        if (full == sequence.PublishedBlocks)
        {
            return;
        }

        var keys = sequence.Keys.First(sequence.Ids.Span, full);
        for (var i = sequence.PublishedBlocks; i < full; i++)
        {
            _cache.Publish(sequence.Blocks[i], keys[i]);
        }

        sequence.PublishedBlocks = full;
    }

    /// <summary>Takes a sequence out, wherever it is; its blocks are freed.</summary>
    public void Remove(Sequence sequence)
    {
        if (!_running.Remove(sequence))
        {
            _waiting.Remove(sequence);
        }

        Release(sequence);
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
    }

    private bool TryHold(Sequence sequence)
    {
        var shareable = (sequence.Length - 1) / _limits.BlockTokens;
        var matched = _cache.Match(sequence.Keys.First(sequence.Ids.Span, shareable), sequence.Blocks);
        if (!_pool.TryTake(BlocksFor(sequence.Length) - matched, sequence.Blocks))
        {
            Release(sequence);
            return false;
        }

        sequence.Computed = matched * _limits.BlockTokens;
        sequence.PublishedBlocks = matched;
        if (!sequence.Started)
        {
            sequence.Started = true;
            sequence.CachedTokens = sequence.Computed;
        }

        return true;
    }

    /// <summary>Makes sure that the last token has a place; puts the youngest sequences back into the queue for it if need be.</summary>
    private bool TryGrow(Sequence sequence)
    {
        while (BlocksFor(sequence.Length) > sequence.Blocks.Count && !_pool.TryTake(1, sequence.Blocks))
        {
            var youngest = _running[^1];
            PutBack(youngest);
            if (youngest == sequence)
            {
                return false;
            }
        }

        return true;
    }

    private void PutBack(Sequence sequence)
    {
        _running.Remove(sequence);
        Release(sequence);
        // Among the waiting it goes before all that arrived later: nobody is overtaken.
        var next = _waiting.First;
        while (next is not null && next.Value.Number < sequence.Number)
        {
            next = next.Next;
        }

        if (next is null)
        {
            _waiting.AddLast(sequence);
        }
        else
        {
            _waiting.AddBefore(next, sequence);
        }
    }

    private void InsertByAge(Sequence sequence)
    {
        var at = _running.Count;
        while (at > 0 && _running[at - 1].Number > sequence.Number)
        {
            at--;
        }

        _running.Insert(at, sequence);
    }

    private int BlocksFor(int tokens) => (tokens + _limits.BlockTokens - 1) / _limits.BlockTokens;
}
