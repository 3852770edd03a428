using System.Threading.Channels;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Engine;

/// <summary>A sequence between its admission and its end: what the engine thread knows of it, and the way out for its events.</summary>
internal sealed class LiveSequence(Sequence sequence, IStopRule stop, TimeProvider time)
{
    private readonly Channel<GenerationEvent> _events = Channel.CreateUnbounded<GenerationEvent>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true, AllowSynchronousContinuations = false });

    private long _firstStep;
    private long _firstToken;
    private long _lastToken;
    private long _read = time.GetTimestamp();
    private int _unread;

    public Sequence Sequence { get; } = sequence;

    public IStopRule Stop { get; } = stop;

    public string Name => Sequence.Request.Name;

    /// <summary>It has left the queue for the first time.</summary>
    public bool IsStarted { get; set; }

    public long Arrived { get; } = time.GetTimestamp();

    /// <summary>The events. One reader.</summary>
    public ChannelReader<GenerationEvent> Events => _events.Reader;

    /// <summary>Reader's thread: an event was taken.</summary>
    public void NoteRead()
    {
        Interlocked.Exchange(ref _read, time.GetTimestamp());
        Interlocked.Decrement(ref _unread);
    }

    /// <summary>How long events have been lying unread.</summary>
    public TimeSpan Unread => Volatile.Read(ref _unread) == 0
        ? TimeSpan.Zero
        : time.GetElapsedTime(Interlocked.Read(ref _read));

    public void NoteStep()
    {
        if (_firstStep == 0)
        {
            _firstStep = time.GetTimestamp();
        }
    }

    public void NoteToken()
    {
        _lastToken = time.GetTimestamp();
        if (_firstToken == 0)
        {
            _firstToken = _lastToken;
        }
    }

    public void Publish(GenerationEvent what)
    {
        if (Interlocked.Increment(ref _unread) == 1)
        {
            Interlocked.Exchange(ref _read, time.GetTimestamp());
        }

        _events.Writer.TryWrite(what);
    }

    public void Complete(Exception? error) => _events.Writer.TryComplete(error);

    /// <summary>How long the parts took, as far as they were reached.</summary>
    public TurnTimings Timings()
    {
        var now = time.GetTimestamp();
        var started = _firstStep == 0 ? now : _firstStep;
        var first = _firstToken == 0 ? now : _firstToken;
        var last = _lastToken == 0 ? first : _lastToken;
        return new TurnTimings(
            time.GetElapsedTime(Arrived, started), time.GetElapsedTime(started, first), time.GetElapsedTime(first, last));
    }
}
