using System.Net.Sockets;

namespace LlavaCluster.Core.Links;

/// <summary>
/// One end of the plan link's connection to one other rank: (1) a sender, which writes on the caller's thread while it keeps up and
/// through a queue when it does not; (2) a reader thread; (3) a heart-beat, which also listens for the other's. What goes wrong, in
/// whichever of them, is told once.
/// </summary>
internal sealed class ShardLine : IDisposable
{
    /// <summary>Longer frames go through the queue, so that one follower need not wait for another's.</summary>
    public const int InlineBytes = 64 << 10;

    private static readonly byte[] Beat = ShardFrame.Words(ShardFrameKind.HeartBeat);

    private readonly RankConnection _connection;
    private readonly ShardLinkOptions _options;
    private readonly FrameHandler _take;
    private readonly Action<string> _lost;
    private readonly TimeProvider _time;
    private readonly object _writing = new();
    private readonly BoundedQueue<byte[]> _queue;
    private readonly Thread _writer;
    private readonly Thread _reader;
    private readonly ITimer _timer;
    private readonly object _gate = new();
    private int _queued;
    private int _silentBeats;
    private long _heardAt;
    private bool _wrote;
    private bool _receiverBusy;
    private bool _ended;
    private volatile string? _failure;

    /// <summary>Starts to listen and to beat.</summary>
    /// <param name="connection">To the other rank; disposed with this.</param>
    /// <param name="options">How patient.</param>
    /// <param name="time">Clock of the heart-beat.</param>
    /// <param name="take">Gets every frame but heart-beats and last words, on the reader thread; may block.</param>
    /// <param name="lost">Told once, on any thread, why the other end is lost; not after <see cref="End"/>.</param>
    public ShardLine(RankConnection connection, ShardLinkOptions options, TimeProvider time, FrameHandler take, Action<string> lost)
    {
        (_connection, _options, _time, _take, _lost) = (connection, options, time, take, lost);
        _queue = new BoundedQueue<byte[]>(options.MaxQueuedMessages, options.MaxQueuedBytes);
        // A write that the other end does not take is as good as its silence.
        connection.Socket.SendTimeout = (int)Math.Max(1, options.Silence.TotalMilliseconds);
        _heardAt = time.GetTimestamp();
        _writer = Start(WriteQueued, "writer");
        _reader = Start(ReadFrames, "reader");
        _timer = time.CreateTimer(_ => HeartBeat(), null, options.HeartBeat, options.HeartBeat);
    }

    /// <summary>Takes one frame.</summary>
    public delegate void FrameHandler(ShardLine line, ShardFrameKind kind, ReadOnlySpan<byte> body);

    /// <summary>The other end's rank.</summary>
    public int Rank => _connection.Rank;

    /// <summary>Why the other end is lost; null while it is there.</summary>
    public string? Failure => _failure;

    /// <summary>Sends a short frame; returns when the system has taken it, or it is in the queue.</summary>
    /// <exception cref="RankLinkException">The other end is lost.</exception>
    public void Send(ReadOnlySpan<byte> frame)
    {
        if (frame.Length <= InlineBytes && TryWriteNow(frame))
        {
            ThrowIfLost();
            return;
        }

        Enqueue(frame.ToArray());
    }

    /// <summary>Sends a frame by the queue.</summary>
    /// <param name="frame">Not to be changed any more; may be shared with other lines.</param>
    /// <exception cref="RankLinkException">The other end is lost.</exception>
    public void Enqueue(byte[] frame)
    {
        Interlocked.Increment(ref _queued);
        if (!_queue.TryPut(frame, frame.Length))
        {
            Interlocked.Decrement(ref _queued);
        }

        ThrowIfLost();
    }

    /// <summary>Fails when the other end is lost.</summary>
    public void ThrowIfLost()
    {
        if (_failure is { } failure)
        {
            throw new RankLinkException(failure);
        }
    }

    /// <summary>The end is agreed on: what happens to the connection from now on is no loss.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
        }
    }

    /// <summary>Lets the other end take what was sent, within limits, then closes. Not from the reader thread.</summary>
    public void Dispose()
    {
        End();
        _timer.Dispose();
        _queue.Close();
        var patience = _failure is null ? _options.ClosePatience : TimeSpan.Zero;
        if (_writer.Join(patience) && _failure is null)
        {
            try
            {
                // Half closed, the other end can read all; closed at once, unread heart-beats of it would make the system drop the rest.
                _connection.Socket.Shutdown(SocketShutdown.Send);
                _reader.Join(patience);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // The other end was faster, or this is the second time.
            }
        }

        _connection.Dispose();
        _writer.Join();
        if (Thread.CurrentThread != _reader)
        {
            _reader.Join();
        }
    }

    /// <summary>Declares the other end lost, once, and closes the connection.</summary>
    public void Lose(string reason)
    {
        lock (_gate)
        {
            if (_ended || _failure is not null)
            {
                return;
            }

            _failure = reason;
        }

        _queue.Close();
        _connection.Dispose();
        _lost(reason);
    }

    private Thread Start(Action run, string name)
    {
        var thread = new Thread(() => run()) { IsBackground = true, Name = $"shard link {_connection.Rank} {name}" };
        thread.Start();
        return thread;
    }

    /// <summary>False when others are before it.</summary>
    private bool TryWriteNow(ReadOnlySpan<byte> frame)
    {
        if (!Monitor.TryEnter(_writing))
        {
            return false;
        }

        try
        {
            if (Volatile.Read(ref _queued) > 0)
            {
                return false;
            }

            Write(frame);
            return true;
        }
        finally
        {
            Monitor.Exit(_writing);
        }
    }

    private void WriteQueued()
    {
        while (_queue.TryTake(out var frame, CancellationToken.None))
        {
            lock (_writing)
            {
                if (_failure is null)
                {
                    Write(frame);
                }

                Interlocked.Decrement(ref _queued);
            }
        }
    }

    private void Write(ReadOnlySpan<byte> frame)
    {
        try
        {
            _connection.Stream.Write(frame);
            _wrote = true;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            Lose($"Rank {_connection.Rank} cannot be reached any more: {error.Message}");
        }
    }

    private void ReadFrames()
    {
        try
        {
            var frames = new ShardFrameReader(new BufferedStream(_connection.Stream, InlineBytes), _options.MaxMessageBytes);
            while (true)
            {
                var kind = frames.Read(out var body);
                Heard();
                if (kind == ShardFrameKind.Leave)
                {
                    Lose($"Rank {_connection.Rank} cannot go on: {ShardFrame.ReadWords(body)}");
                    return;
                }

                if (kind != ShardFrameKind.HeartBeat)
                {
                    // While this end is busy the other's beats wait unread: that is not its silence.
                    Volatile.Write(ref _receiverBusy, true);
                    _take(this, kind, body);
                    Heard();
                    Volatile.Write(ref _receiverBusy, false);
                }

                if (kind == ShardFrameKind.Bye)
                {
                    return;
                }
            }
        }
        catch (EndOfStreamException)
        {
            Lose($"Rank {_connection.Rank} is gone: its end of the connection was closed.");
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or NotSupportedException)
        {
            // The last: a buffered stream says so when this end closes the connection between two of its reads.
            Lose($"Rank {_connection.Rank} is gone: {error.Message}");
        }
        catch (InvalidDataException error)
        {
            Lose($"Rank {_connection.Rank} sent nonsense. {error.Message}");
        }
    }

    private void Heard()
    {
        Volatile.Write(ref _heardAt, _time.GetTimestamp());
        Volatile.Write(ref _silentBeats, 0);
    }

    private void HeartBeat()
    {
        if (Monitor.TryEnter(_writing))
        {
            try
            {
                if (!_wrote && _failure is null)
                {
                    Write(Beat);
                }

                _wrote = false;
            }
            finally
            {
                Monitor.Exit(_writing);
            }
        }

        // This process may itself have stood still, and what the other said in the meantime may wait unread: only beats that this end
        // has lived through count.
        var beats = Interlocked.Increment(ref _silentBeats);
        if (!Volatile.Read(ref _receiverBusy)
            && beats * _options.HeartBeat >= _options.Silence
            && _time.GetElapsedTime(Volatile.Read(ref _heardAt)) >= _options.Silence)
        {
            Lose($"Rank {_connection.Rank} is missing: nothing heard of it for {_options.Silence.TotalMilliseconds:0} ms.");
        }
    }
}
