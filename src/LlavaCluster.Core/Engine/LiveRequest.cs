using System.Threading.Channels;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Engine;

/// <summary>A request between its admission and its end: its sequences, one per answer, and the way out for their events.</summary>
internal sealed class LiveRequest
{
    private readonly TimeProvider _time;
    private readonly Channel<News> _news = Channel.CreateUnbounded<News>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true, AllowSynchronousContinuations = false });

    private long _read;
    private int _unread;
    private int _open;

    /// <summary>Of these sequences; the first is computed before the others.</summary>
    public LiveRequest(IEnumerable<(Sequence Sequence, IStopRule Stop)> answers, TimeProvider time)
    {
        _time = time;
        _read = Arrived = time.GetTimestamp();
        Sequences = [.. answers.Select(answer => new LiveSequence(this, answer.Sequence, answer.Stop, time))];
        _open = Sequences.Count;
        IsUnforked = _open > 1;
    }

    /// <summary>The sequences, by choice.</summary>
    public IReadOnlyList<LiveSequence> Sequences { get; }

    public long Arrived { get; }

    public string Name => Sequences[0].Sequence.Request.Name;

    /// <summary>Engine thread: the answers after the first wait until the prompt is computed.</summary>
    public bool IsUnforked { get; set; }

    /// <summary>How long events have been lying unread.</summary>
    public TimeSpan Unread => Volatile.Read(ref _unread) == 0
        ? TimeSpan.Zero
        : _time.GetElapsedTime(Interlocked.Read(ref _read));

    /// <summary>Reader's thread: the next event, if one is there.</summary>
    public bool TryRead(out GenerationEvent next)
    {
        if (!_news.Reader.TryRead(out var news))
        {
            next = null!;
            return false;
        }

        Interlocked.Exchange(ref _read, _time.GetTimestamp());
        Interlocked.Decrement(ref _unread);
        // Made here and not by the engine, whose thread is the one that everybody waits for.
        next = news.Event ?? new GenerationEvent.Generated(news.Offset, [news.Token!.Value], news.Text) { Choice = news.Choice };
        return true;
    }

    /// <summary>Reader's thread: false after the last event.</summary>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken) => _news.Reader.WaitToReadAsync(cancellationToken);

    /// <summary>Engine thread: tells a token.</summary>
    public void Publish(int choice, int offset, SampledToken token, string text) => Write(new News(null, choice, offset, token, text));

    /// <summary>Engine thread: tells anything else.</summary>
    public void Publish(GenerationEvent what) => Write(new News(what, what.Choice, 0, null, ""));

    /// <summary>Engine thread: one sequence has told its last event.</summary>
    public void CompleteOne()
    {
        if (--_open == 0)
        {
            _news.Writer.TryComplete();
        }
    }

    /// <summary>There will be no more events, of any sequence, for this reason.</summary>
    public void Fail(Exception error) => _news.Writer.TryComplete(error);

    private void Write(News news)
    {
        if (Interlocked.Increment(ref _unread) == 1)
        {
            Interlocked.Exchange(ref _read, _time.GetTimestamp());
        }

        _news.Writer.TryWrite(news);
    }

    private readonly record struct News(GenerationEvent? Event, int Choice, int Offset, SampledToken? Token, string Text);
}
