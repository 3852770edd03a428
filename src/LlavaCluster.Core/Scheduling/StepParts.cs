namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// Shares a step's budget. Every decode has its token. What is left goes to the prompts with the least left to compute: so a short one
/// is not stuck behind long ones. But half of it is kept for the prompt whose tenant has been given least, the oldest of that tenant: so
/// every prompt has its turn.
/// </summary>
internal sealed class StepParts(SchedulerLimits limits)
{
    private readonly List<(Sequence Sequence, int Count)> _parts = [];
    private readonly List<Sequence> _prompts = [];
    private readonly int _grid = limits.ChunkTokens;
    private int _left;

    /// <summary>Begins a step.</summary>
    public void Clear()
    {
        _parts.Clear();
        _prompts.Clear();
        _left = limits.StepTokens;
    }

    /// <summary>One token of a sequence that decodes.</summary>
    public void AddDecode(Sequence sequence)
    {
        _parts.Add((sequence, 1));
        _left--;
    }

    /// <summary>A prompt that wants a chunk; oldest first.</summary>
    public void AddPrompt(Sequence sequence)
    {
        if (sequence.ComputableEnd() > sequence.Computed)
        {
            // Kept in order of what is left; equals in order of age.
            var at = _prompts.Count;
            while (at > 0 && _prompts[at - 1].Remaining > sequence.Remaining)
            {
                at--;
            }

            _prompts.Insert(at, sequence);
        }
    }

    /// <summary>The parts of the step.</summary>
    public IReadOnlyList<(Sequence Sequence, int Count)> Shared()
    {
        if (_prompts.Count == 0)
        {
            return _parts;
        }

        var first = _prompts[0];
        foreach (var prompt in _prompts)
        {
            first = ComesBefore(prompt, first) ? prompt : first;
        }

        var kept = _prompts[0] == first ? 0 : Chunk(first, Math.Max(_left / 2, _grid));
        _left -= kept;
        foreach (var prompt in _prompts)
        {
            if (prompt == first)
            {
                _left += kept;
            }

            Take(prompt, Chunk(prompt, _left));
        }

        return _parts;
    }

    private static bool ComesBefore(Sequence left, Sequence right) => left.Account.Clock != right.Account.Clock
        ? left.Account.Clock < right.Account.Clock
        : left.Number < right.Number;

    private void Take(Sequence sequence, int count)
    {
        if (count > 0)
        {
            _parts.Add((sequence, count));
            _left -= count;
        }
    }

    /// <summary>Tokens up to the last border of the grid within the budget, or to the end of all that the sequence has.</summary>
    private int Chunk(Sequence sequence, int budget)
    {
        var end = Math.Min(sequence.ComputableEnd(), sequence.Computed + budget);
        if (end < sequence.Length)
        {
            end -= end % _grid;
        }

        return Math.Max(0, end - sequence.Computed);
    }
}
