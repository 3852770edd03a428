using System.Net.Sockets;
using System.Runtime.InteropServices;
using LlavaCluster.Core.Links;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// A rank behind a secure stream, which can only wait. (1) A <see cref="SecureReader"/> reads, on its own thread. (2) The engine's thread
/// writes each message whole: the other end's reader takes it, so that two ranks which send to each other do not wait for ever. Numbers go
/// from native memory to the stream and back piece by piece, through the stream's own buffers.
/// </summary>
internal sealed unsafe class SecurePeer : RankPeer
{
    /// <summary>A head and the numbers behind it are written at once up to so many bytes, those of one TLS record.</summary>
    private const int FirstBytes = 16 << 10;

    private const int CloseMilliseconds = 10;

    private static readonly TimeSpan LastWordsPatience = TimeSpan.FromSeconds(1);

    private readonly Stream _stream;
    private readonly TimeSpan _patience;
    private readonly Bell _bell = new();
    private readonly SecureReader _reader;
    private readonly object _sending = new();
    private readonly byte* _first;
    private PeerMessage _message;
    private byte* _out;
    private bool _isSending;
    private bool _isBroken;
    private long _received;

    /// <summary>Begins to listen.</summary>
    /// <param name="connection">To the other rank; disposed with this.</param>
    /// <param name="patience">How long a write may wait for the other end.</param>
    public SecurePeer(RankConnection connection, TimeSpan patience)
        : base(connection)
    {
        (_stream, _patience) = (connection.Stream, patience);
        _first = (byte*)NativeMemory.Alloc(FirstBytes);
        connection.Socket.SendTimeout = (int)Math.Clamp(patience.TotalMilliseconds, 1, int.MaxValue);
        _reader = new SecureReader(this, connection, _bell);
    }

    public override bool IsSending => _isSending;

    public override bool IsReceiving => _reader.IsReceiving;

    /// <inheritdoc/>
    public override void Send(in PeerMessage message, byte* data)
    {
        (_message, _isSending) = (message, true);
        _out = data;
    }

    /// <inheritdoc/>
    public override void Receive(in PeerMessage message, byte* into) => _reader.Receive(message, into);

    /// <inheritdoc/>
    public override bool Advance()
    {
        var advanced = _isSending && Failure is null && Write();
        var received = _reader.Received;
        advanced |= received != _received;
        _received = received;
        LookForEnd();
        return advanced;
    }

    /// <inheritdoc/>
    public override void LetGo() => _reader.Stop();

    /// <inheritdoc/>
    public override void Close(PeerMessageKind word, string reason)
    {
        // The engine holds it in a write that waits; then a message is half said.
        if (Monitor.TryEnter(_sending, CloseMilliseconds))
        {
            try
            {
                SayLastWord(word, reason);
            }
            finally
            {
                Monitor.Exit(_sending);
            }
        }

        SecureReader.Shutdown(Connection.Socket, SocketShutdown.Both);
        _bell.Ring();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _reader.Stop();
        Connection.Dispose();
        _bell.Dispose();
        NativeMemory.Free(_first);
    }

    /// <inheritdoc/>
    protected override Libc.PollEntry Awaited() => new() { Socket = HasLeft ? -1 : _bell.File, Events = Libc.PollIn };

    /// <inheritdoc/>
    protected override void LookForLastWords(bool isClosed)
    {
        _bell.Silence();
        LookForEnd();
    }

    private void LookForEnd()
    {
        // In this order: once it has ended, the reader completes nothing that it has not.
        if (_reader.End is not { } end || Failure is not null)
        {
            return;
        }

        if (_reader.HasHeardGoodbye && !IsReceiving)
        {
            HasLeft = true;
        }
        else
        {
            Failure = end;
        }
    }

    private bool Write()
    {
        try
        {
            lock (_sending)
            {
                WriteMessage();
            }

            _isSending = false;
            return true;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            Failure ??= WhyNotSent(error);
            return false;
        }
    }

    private void WriteMessage()
    {
        // A message that fails in the middle leaves no place for last words.
        _isBroken = true;
        var first = Math.Min(_message.Bytes, FirstBytes - PeerMessage.Size);
        *(PeerMessage*)_first = _message;
        Buffer.MemoryCopy(_out, _first + PeerMessage.Size, first, first);
        _stream.Write(new ReadOnlySpan<byte>(_first, PeerMessage.Size + (int)first));
        for (var at = first; at < _message.Bytes; at += SecureReader.PieceBytes)
        {
            _stream.Write(new ReadOnlySpan<byte>(_out + at, (int)Math.Min(SecureReader.PieceBytes, _message.Bytes - at)));
        }

        _isBroken = false;
    }

    /// <summary>Its last words, if there are any, say more than that it no longer listens.</summary>
    private string WhyNotSent(Exception error) => error.GetBaseException() is SocketException { SocketErrorCode: SocketError.TimedOut }
        ? $"rank {Rank} has taken nothing for {_patience.TotalSeconds:0.#} s."
        : _reader.WaitForEnd(LastWordsPatience) ?? Lost(error);

    private void SayLastWord(PeerMessageKind word, string reason)
    {
        var words = stackalloc byte[PeerMessage.Size + PeerMessage.MaxReason];
        try
        {
            // An end that takes nothing would have to be waited for.
            if (!_isBroken && Connection.Socket.Poll(TimeSpan.Zero, SelectMode.SelectWrite))
            {
                _stream.Write(new ReadOnlySpan<byte>(words, WriteLastWords(words, word, reason)));
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            // The other end was faster.
        }
    }
}
