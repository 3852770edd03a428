using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Engine;

/// <summary>What the engine thread knows of one sequence between its admission and its end.</summary>
internal sealed class LiveSequence(LiveRequest request, Sequence sequence, IStopRule stop, TimeProvider time)
{
    private long _firstStep;
    private long _firstToken;
    private long _lastToken;

    public LiveRequest Request { get; } = request;

    public Sequence Sequence { get; } = sequence;

    public IStopRule Stop { get; } = stop;

    public string Name => Sequence.Request.Name;

    /// <summary>It has left the queue for the first time.</summary>
    public bool IsStarted { get; set; }

    /// <summary>It takes part in a step that begins now.</summary>
    public void NoteStep(long now)
    {
        if (_firstStep == 0)
        {
            _firstStep = now;
        }
    }

    /// <summary>Its prompt was computed as that of another.</summary>
    public void NoteFork(LiveSequence parent) => _firstStep = parent._firstStep;

    /// <summary>A token of it has come now.</summary>
    public void NoteToken(long now)
    {
        _lastToken = now;
        if (_firstToken == 0)
        {
            _firstToken = now;
        }
    }

    /// <summary>How long the parts took, as far as they were reached.</summary>
    public TurnTimings Timings()
    {
        var now = time.GetTimestamp();
        var started = _firstStep == 0 ? now : _firstStep;
        var first = _firstToken == 0 ? now : _firstToken;
        var last = _lastToken == 0 ? first : _lastToken;
        return new TurnTimings(
            time.GetElapsedTime(Request.Arrived, started),
            time.GetElapsedTime(started, first),
            time.GetElapsedTime(first, last),
            Sequence.Preemptions);
    }
}
