using System.Runtime.InteropServices;

namespace LlavaCluster.Core.Scheduling;

/// <summary>From the running sequences to a plan, and from a step that was run back to them.</summary>
public sealed partial class Scheduler
{
    private readonly StepParts _parts;
    private readonly List<SequenceSlice> _slices = [];
    private readonly List<BlockCopy> _copies = [];
    private readonly List<BlockCopy> _planCopies = [];
    private StepPlan? _plan;

    /// <summary>
    /// What the next step computes: decodes first, then prompts; empty when nothing can be computed. Holds until the next call.
    /// </summary>
    public IReadOnlyList<(Sequence Sequence, int Count)> Plan()
    {
        _parts.Clear();
        // From the oldest on: when blocks run out it is the youngest that goes back to the queue, so never one that has its part.
        for (var i = 0; i < _running.Count; i++)
        {
            var sequence = _running[i];
            if (sequence.HasPlace && sequence.Remaining == 1 && sequence.ComputableEnd() == sequence.Length && TryGrow(sequence))
            {
                _parts.AddDecode(sequence);
            }
        }

        foreach (var sequence in _running)
        {
            if (sequence.HasPlace && sequence.Remaining > 1)
            {
                _parts.AddPrompt(sequence);
            }
        }

        return _parts.Shared();
    }

    /// <summary>
    /// The plan of these parts, with the block copies that are due; holds until the next call. After a failed step the copies can be
    /// asked for again by <paramref name="again"/>.
    /// </summary>
    public StepPlan Compose(long epoch, long step, IReadOnlyList<(Sequence Sequence, int Count)> parts, bool again = false)
    {
        _slices.Clear();
        for (var i = 0; i < parts.Count; i++)
        {
            _slices.Add(parts[i].Sequence.Slice(parts[i].Count));
        }

        if (!again)
        {
            _planCopies.Clear();
        }

        _planCopies.AddRange(CollectionsMarshal.AsSpan(_copies));
        _copies.Clear();
        _plan ??= new StepPlan(epoch, step, _slices) { BlockCopies = _planCopies };
        (_plan.Epoch, _plan.Step) = (epoch, step);
        return _plan;
    }

    /// <summary>Notes that a part was computed: its full blocks can be found from now on.</summary>
    public void Commit(Sequence sequence, int count)
    {
        sequence.Computed += count;
        if (count == 1)
        {
            sequence.Account.Clock++;
        }

        var full = sequence.Computed / _limits.BlockTokens;
        if (full == sequence.PublishedBlocks)
        {
            return;
        }

        var keys = sequence.Keys.First(sequence.Ids.Span, full);
        for (var i = sequence.PublishedBlocks; i < full; i++)
        {
            _cache.Publish(sequence.Blocks[i], keys[i], i == 0 ? default : keys[i - 1]);
        }

        sequence.PublishedBlocks = full;
    }

    /// <summary>Makes sure that the last token has a place; puts the youngest sequences back into the queue for it if need be.</summary>
    private bool TryGrow(Sequence sequence)
    {
        while (_limits.BlocksFor(sequence.Length) > sequence.Blocks.Count && !_pool.TryTake(1, sequence.Blocks))
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
}
