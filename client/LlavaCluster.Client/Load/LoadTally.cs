namespace LlavaCluster.Client.Load;

/// <summary>The turns of a run, as they end. Any thread.</summary>
/// <param name="time">The clock.</param>
internal sealed class LoadTally(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<TurnRecord> _ended = [];
    private readonly long _began = time.GetTimestamp();
    private int _running;
    private int _tokens;

    /// <summary>Time since the run began.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(_began);

    /// <summary>The turns that have ended.</summary>
    public IReadOnlyList<TurnRecord> Ended
    {
        get
        {
            lock (_lock)
            {
                return [.. _ended];
            }
        }
    }

    /// <summary>A turn begins.</summary>
    public void Begin() => Interlocked.Increment(ref _running);

    /// <summary>Tokens have come, of any turn.</summary>
    public void NoteTokens(int count) => Interlocked.Add(ref _tokens, count);

    /// <summary>A turn has ended.</summary>
    public void End(TurnRecord turn)
    {
        lock (_lock)
        {
            _ended.Add(turn);
        }

        Interlocked.Decrement(ref _running);
    }

    /// <summary>How far the run is, in one line.</summary>
    /// <param name="turns">Turns of the whole run.</param>
    public string Line(int turns)
    {
        var ended = Ended;
        var first = Percentiles.Of(ended.Where(turn => turn.FirstToken is not null).Select(turn => turn.FirstToken!.Value));
        var failed = ended.Count(turn => turn.Error is not null);
        return FormattableString.Invariant($"{ended.Count}/{turns} turns, {_running} running, {_tokens / Elapsed.TotalSeconds:f1} tokens/s")
            + (first.Count > 0 ? FormattableString.Invariant($", first token p50 {first.At(50):f3} s") : "")
            + (failed > 0 ? $", {failed} failed" : "");
    }
}
