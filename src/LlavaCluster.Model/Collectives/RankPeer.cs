using System.Net.Sockets;
using System.Text;
using System.Text.Unicode;
using LlavaCluster.Core.Links;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// The connection to one other rank: at most one message on its way out and one on its way in. One thread calls, but for
/// <see cref="Close"/>.
/// </summary>
/// <param name="connection">To the other rank; disposed with this.</param>
internal abstract unsafe class RankPeer(RankConnection connection) : IDisposable
{
    public int Rank => Connection.Rank;

    /// <summary>Why this peer is lost; null while it is there.</summary>
    public string? Failure { get; protected set; }

    /// <summary>It has said goodbye, or its connection ended while nothing was asked of it.</summary>
    public bool HasLeft { get; protected set; }

    public abstract bool IsSending { get; }

    public abstract bool IsReceiving { get; }

    protected RankConnection Connection { get; } = connection;

    /// <summary>For a plain connection or a secure one.</summary>
    /// <param name="connection">To the other rank; disposed with the result.</param>
    /// <param name="patience">How long a write may wait for the other end, where it waits at all.</param>
    public static RankPeer Of(RankConnection connection, TimeSpan patience) =>
        connection.IsSecure ? new SecurePeer(connection, patience) : new SocketPeer(connection);

    /// <summary>The reason in last words.</summary>
    public static string ReadReason(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    /// <summary>Waits until something happens at one of the peers, or the time is over; notices who has gone.</summary>
    public static void Wait(RankPeer[] peers, int milliseconds)
    {
        var entries = stackalloc Libc.PollEntry[peers.Length];
        for (var i = 0; i < peers.Length; i++)
        {
            entries[i] = peers[i].Awaited();
        }

        _ = Libc.Poll(entries, (nuint)peers.Length, milliseconds);
        for (var i = 0; i < peers.Length; i++)
        {
            if (entries[i].Result != 0)
            {
                peers[i].LookForLastWords((entries[i].Result & ~(Libc.PollIn | Libc.PollOut)) != 0);
            }
        }
    }

    /// <summary>Begins to send; <see cref="Advance"/> goes on with it.</summary>
    public abstract void Send(in PeerMessage message, byte* data);

    /// <summary>Begins to receive exactly this message.</summary>
    public abstract void Receive(in PeerMessage message, byte* into);

    /// <summary>
    /// Sends and receives what goes; whether anything went. All that is to be received from any peer must have begun before: it may wait
    /// for the other end to take what is sent.
    /// </summary>
    public abstract bool Advance();

    /// <summary>
    /// After a failure: returns when nothing more is written to where a message was to go. Nothing is received any more.
    /// </summary>
    public abstract void LetGo();

    /// <summary>Says a last word, when none is half said, and ends the connection; wakes whoever waits at it. Any thread.</summary>
    public abstract void Close(PeerMessageKind word, string reason);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>What to wait for.</summary>
    protected abstract Libc.PollEntry Awaited();

    /// <summary>Looks for last words while nothing is received from this peer.</summary>
    /// <param name="isClosed">The other end is known to be closed.</param>
    protected abstract void LookForLastWords(bool isClosed);

    /// <summary>The sentence for a connection that ended without a word.</summary>
    public string Lost() => Lost("its process is gone");

    /// <summary>The sentence for a connection that failed.</summary>
    public string Lost(Exception error) => error.GetBaseException() switch
    {
        SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown } => Lost(),
        var cause => Lost(cause.Message.TrimEnd('.')),
    };

    /// <summary>The sentence for a rank that has ended as it should.</summary>
    public string Left() => $"rank {Rank} has left.";

    /// <summary>The sentence for a rank that does something else.</summary>
    public string Unexpected(in PeerMessage head, in PeerMessage due) => $"rank {Rank} sent {head}, where {due} was due.";

    protected string Lost(string why) => $"the connection to rank {Rank} is lost: {why}.";

    /// <summary>Writes last words; their bytes.</summary>
    /// <param name="room">At least a head and the longest reason.</param>
    /// <param name="word">Kind of the words.</param>
    /// <param name="reason">Cut at a whole character, when it is too long.</param>
    protected static int WriteLastWords(byte* room, PeerMessageKind word, string reason)
    {
        Utf8.FromUtf16(reason, new Span<byte>(room + PeerMessage.Size, PeerMessage.MaxReason), out _, out var length);
        *(PeerMessage*)room = new PeerMessage(0, word, -1, length);
        return PeerMessage.Size + length;
    }
}
