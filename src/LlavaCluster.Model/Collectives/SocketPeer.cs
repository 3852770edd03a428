using System.Net.Sockets;
using System.Runtime.InteropServices;
using LlavaCluster.Core.Links;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// A rank behind a plain socket: messages are taken as far as the socket lets them. Nothing is allocated per message and no byte is copied
/// on the way.
/// </summary>
internal sealed unsafe class SocketPeer : RankPeer
{
    private readonly int _socket;
    private readonly PeerMessage* _heads;
    private readonly object _sending = new();
    private byte* _out;
    private byte* _in;
    private long _sent;
    private long _toSend;
    private long _received;
    private long _toReceive;
    private PeerMessage _expected;
    private string? _sendFailure;

    public SocketPeer(RankConnection connection)
        : base(connection)
    {
        _socket = (int)connection.Socket.Handle;
        _heads = (PeerMessage*)NativeMemory.AllocZeroed(2, PeerMessage.Size);
    }

    public override bool IsSending => _sent < _toSend;

    public override bool IsReceiving => _received < _toReceive;

    /// <inheritdoc/>
    public override void Send(in PeerMessage message, byte* data)
    {
        lock (_sending)
        {
            _heads[0] = message;
            _out = data;
            (_sent, _toSend) = (0, PeerMessage.Size + message.Bytes);
        }
    }

    /// <inheritdoc/>
    public override void Receive(in PeerMessage message, byte* into)
    {
        _expected = message;
        _in = into;
        (_received, _toReceive) = (0, PeerMessage.Size + message.Bytes);
    }

    /// <summary>Sends and receives what goes without waiting; whether anything went.</summary>
    public override bool Advance()
    {
        var advanced = (IsSending && _sendFailure is null && AdvanceOut()) | (IsReceiving && AdvanceIn());
        if (_sendFailure is not null && !advanced)
        {
            // Its last words, if there are any, say more than that it no longer listens.
            LookForLastWords(isClosed: true);
            Failure ??= _sendFailure;
        }

        return advanced;
    }

    /// <summary>Nothing is written but by <see cref="Advance"/>.</summary>
    public override void LetGo()
    {
    }

    /// <inheritdoc/>
    public override void Close(PeerMessageKind word, string reason)
    {
        if (Monitor.TryEnter(_sending, 10))
        {
            if (!IsSending || _sent == 0)
            {
                SayLastWord(word, reason);
            }

            Monitor.Exit(_sending);
        }

        try
        {
            Connection.Socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // The other end was faster.
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        Connection.Dispose();
        NativeMemory.Free(_heads);
    }

    /// <inheritdoc/>
    protected override Libc.PollEntry Awaited() => new()
    {
        // A closed connection would wake every wait: it is looked at once.
        Socket = HasLeft ? -1 : _socket,
        Events = (short)((IsSending ? Libc.PollOut : 0) | (IsReceiving ? Libc.PollIn : 0) | Libc.PollPeerClosed),
    };

    /// <inheritdoc/>
    protected override void LookForLastWords(bool isClosed)
    {
        if (HasLeft || IsReceiving || Failure is not null)
        {
            return;
        }

        PeerMessage head;
        var got = Read(&head, PeerMessage.Size, Libc.Peek);
        if (got == 0)
        {
            Failure = Lost();
        }
        else if (got == PeerMessage.Size && head.Kind == PeerMessageKind.Abort)
        {
            _ = Read(&head, PeerMessage.Size, 0);
            Failure = Reason(head.Bytes, []);
        }
        else if (isClosed)
        {
            // A goodbye, or words for an exchange that this rank has not come to yet.
            HasLeft = true;
        }
    }

    private void SayLastWord(PeerMessageKind word, string reason)
    {
        var words = stackalloc byte[PeerMessage.Size + PeerMessage.MaxReason];
        var piece = new Libc.Piece { Start = words, Length = WriteLastWords(words, word, reason) };
        var message = new Libc.Message { Pieces = &piece, PieceCount = 1 };
        _ = Libc.Send(_socket, &message, Libc.DontWait | Libc.NoSignal);
    }

    private bool AdvanceOut()
    {
        lock (_sending)
        {
            var pieces = stackalloc Libc.Piece[2];
            var message = Remaining(pieces, (byte*)&_heads[0], _out, _sent, _toSend);
            var took = Libc.Send(_socket, &message, Libc.DontWait | Libc.NoSignal);
            if (took < 0)
            {
                _sendFailure ??= LastError();
                return false;
            }

            _sent += took;
            return true;
        }
    }

    private bool AdvanceIn()
    {
        var pieces = stackalloc Libc.Piece[2];
        var message = Remaining(pieces, (byte*)&_heads[1], _in, _received, _toReceive);
        var got = Libc.Receive(_socket, &message, Libc.DontWait);
        if (got <= 0)
        {
            Failure ??= got == 0 ? Lost() : LastError();
            return false;
        }

        var before = _received;
        _received += got;
        if (before < PeerMessage.Size && _received >= PeerMessage.Size)
        {
            CheckHead();
        }

        return true;
    }

    private void CheckHead()
    {
        var head = _heads[1];
        if (head == _expected)
        {
            return;
        }

        var body = new ReadOnlySpan<byte>(_in, (int)Math.Min(_received - PeerMessage.Size, PeerMessage.MaxReason));
        Failure ??= head.Kind switch
        {
            PeerMessageKind.Abort => Reason(head.Bytes, body),
            PeerMessageKind.Leave => Left(),
            _ => Unexpected(head, _expected),
        };
    }

    /// <summary>The reason that follows a head: the bytes already here, then those still in the socket.</summary>
    private string Reason(long length, ReadOnlySpan<byte> begun)
    {
        Span<byte> text = stackalloc byte[PeerMessage.MaxReason];
        var size = (int)Math.Clamp(length, 0, PeerMessage.MaxReason);
        begun = begun[..Math.Min(begun.Length, size)];
        begun.CopyTo(text);
        if (begun.Length < size)
        {
            fixed (byte* rest = text[begun.Length..])
            {
                size = begun.Length + (int)Math.Max(0, Read(rest, size - begun.Length, 0));
            }
        }

        return ReadReason(text[..size]);
    }

    private string? LastError() => Marshal.GetLastPInvokeError() switch
    {
        Libc.TryAgain or Libc.Interrupted => null,
        Libc.BrokenPipe or Libc.ConnectionReset => Lost(),
        var error => Lost(Marshal.GetPInvokeErrorMessage(error)),
    };

    private nint Read(void* into, int bytes, int flags)
    {
        var piece = new Libc.Piece { Start = (byte*)into, Length = bytes };
        var message = new Libc.Message { Pieces = &piece, PieceCount = 1 };
        return Libc.Receive(_socket, &message, Libc.DontWait | flags);
    }

    private static Libc.Message Remaining(Libc.Piece* pieces, byte* head, byte* body, long done, long whole)
    {
        var headLeft = Math.Max(0, PeerMessage.Size - done);
        var bodyDone = Math.Max(0, done - PeerMessage.Size);
        pieces[0] = new Libc.Piece { Start = head + PeerMessage.Size - headLeft, Length = (nint)headLeft };
        pieces[1] = new Libc.Piece { Start = body + bodyDone, Length = (nint)(whole - PeerMessage.Size - bodyDone) };
        return new Libc.Message { Pieces = pieces, PieceCount = 2 };
    }
}
