using System.Net.Sockets;
using LlavaCluster.Core.Links;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// Reads what a rank behind a secure stream says, on a thread of its own: each head as it comes, be it last words; then, when the engine
/// has said where the bytes behind it are to go, the bytes to there. Rings a bell when a message is complete and when there will be no more.
/// </summary>
internal sealed unsafe class SecureReader
{
    /// <summary>So much of a message is read or written at once: whatever the stream does with it, it does not do with a whole tensor.</summary>
    public const int PieceBytes = 64 << 10;

    private readonly RankPeer _peer;
    private readonly RankConnection _connection;
    private readonly Bell _bell;
    private readonly object _gate = new();
    private readonly Thread _thread;
    private PeerMessage _due;
    private byte* _into;
    private volatile bool _isReceiving;
    private volatile bool _isStopped;
    private bool _isHolding;
    private long _received;
    private volatile string? _end;

    /// <summary>Begins to read.</summary>
    /// <param name="peer">Who is read; gives sentences its name.</param>
    /// <param name="connection">Its connection; not to be disposed before <see cref="Stop"/>.</param>
    /// <param name="bell">Rung; not to be disposed before <see cref="Stop"/> either.</param>
    public SecureReader(RankPeer peer, RankConnection connection, Bell bell)
    {
        (_peer, _connection, _bell) = (peer, connection, bell);
        _thread = new Thread(Run) { IsBackground = true, Name = $"collective, rank {connection.Rank}" };
        _thread.Start();
    }

    /// <summary>What was asked for is not complete.</summary>
    public bool IsReceiving => _isReceiving;

    /// <summary>Bytes read so far.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Why nothing more is read; null while the connection lasts.</summary>
    public string? End => _end;

    /// <summary>It is because the other rank has left.</summary>
    public bool HasHeardGoodbye { get; private set; }

    /// <summary>Ends one direction of a connection, or both, if it is not over already; wakes whoever waits there.</summary>
    public static void Shutdown(Socket socket, SocketShutdown what)
    {
        try
        {
            socket.Shutdown(what);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The other end was faster.
        }
    }

    /// <summary>Begins to receive exactly this message.</summary>
    public void Receive(in PeerMessage message, byte* into)
    {
        lock (_gate)
        {
            _due = message;
            _into = into;
            _isReceiving = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>
    /// The connection is known to be over: waits for the last words; null when the reader holds a message that nobody has asked for, and so
    /// does not get to them.
    /// </summary>
    public string? WaitForEnd(TimeSpan patience)
    {
        lock (_gate)
        {
            while (_end is null && !_isHolding && Monitor.Wait(_gate, patience))
            {
            }

            return _end;
        }
    }

    /// <summary>Returns when nothing more is read, nor written to anybody's memory. The connection can still be written to.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _isStopped = true;
            Monitor.PulseAll(_gate);
        }

        Shutdown(_connection.Socket, SocketShutdown.Receive);
        _thread.Join();
    }

    private void Run()
    {
        string end;
        try
        {
            end = ReadMessages();
        }
        catch (Exception error)
        {
            // Whatever it is, the rank is lost by it; and nobody stands behind this thread.
            end = _peer.Lost(error);
        }

        lock (_gate)
        {
            _end = end;
            Monitor.PulseAll(_gate);
        }

        _bell.Ring();
    }

    /// <summary>Until there will be no more; says why.</summary>
    private string ReadMessages()
    {
        PeerMessage head;
        while (Fill((byte*)&head, PeerMessage.Size))
        {
            switch (head.Kind)
            {
                case PeerMessageKind.Abort:
                    return ReadReason(head.Bytes);
                case PeerMessageKind.Leave:
                    HasHeardGoodbye = true;
                    return _peer.Left();
            }

            if (!IsDue(head))
            {
                return _peer.Unexpected(head, _due);
            }

            if (!Fill(_into, head.Bytes))
            {
                break;
            }

            _isReceiving = false;
            _bell.Ring();
        }

        return _peer.Lost();
    }

    /// <summary>Waits until something is asked for; whether it is this.</summary>
    private bool IsDue(in PeerMessage head)
    {
        lock (_gate)
        {
            _isHolding = true;
            Monitor.PulseAll(_gate);
            while (!_isReceiving && !_isStopped)
            {
                Monitor.Wait(_gate);
            }

            _isHolding = false;
            return !_isStopped && head == _due;
        }
    }

    /// <summary>False when either end has ended the connection.</summary>
    private bool Fill(byte* into, long bytes)
    {
        for (long at = 0; at < bytes;)
        {
            var got = _isStopped ? 0 : _connection.Stream.Read(new Span<byte>(into + at, (int)Math.Min(PieceBytes, bytes - at)));
            if (got == 0)
            {
                return false;
            }

            at += got;
            Volatile.Write(ref _received, _received + got);
        }

        return true;
    }

    private string ReadReason(long length)
    {
        var text = stackalloc byte[PeerMessage.MaxReason];
        var size = (int)Math.Clamp(length, 0, PeerMessage.MaxReason);
        return Fill(text, size) ? RankPeer.ReadReason(new ReadOnlySpan<byte>(text, size)) : _peer.Lost();
    }
}
