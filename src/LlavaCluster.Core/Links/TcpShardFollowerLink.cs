using System.Net;
using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Links;

/// <summary>A follower's end of the plan link, in a process of its own; a <see cref="ShardFollower"/> takes its messages.</summary>
public sealed class TcpShardFollowerLink : IShardLink
{
    private readonly int _rank;
    private readonly BoundedQueue<ShardMessage> _messages;
    private readonly ShardLine _line;

    private TcpShardFollowerLink(
        RankConnection connection, int rank, ShardLinkOptions options, TimeProvider time, Action<string>? onLost)
    {
        _rank = rank;
        _messages = new BoundedQueue<ShardMessage>(options.MaxQueuedMessages, options.MaxQueuedBytes);
        _line = new ShardLine(connection, options, time, Take, reason =>
        {
            _messages.Close();
            onLost?.Invoke(reason);
        });
    }

    /// <summary>0: a follower leads nobody.</summary>
    public int Followers => 0;

    /// <summary>Calls the leader. Blocks.</summary>
    /// <param name="leader">Where rank 0 listens for followers.</param>
    /// <param name="replica">The same on all ranks, drawn anew by who forms them.</param>
    /// <param name="epoch">Formation of the replica's ranks.</param>
    /// <param name="rank">This rank, from 1.</param>
    /// <param name="ranks">Ranks of the replica.</param>
    /// <param name="options">How patient.</param>
    /// <param name="time">Clock of waits and heart-beats.</param>
    /// <param name="onLost">Told, on any thread and once, why the leader is lost: the owner then aborts the collective.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RankLinkException">The leader does not answer, or refuses; says why.</exception>
    public static TcpShardFollowerLink Join(
        IPEndPoint leader,
        Guid replica,
        long epoch,
        int rank,
        int ranks,
        ShardLinkOptions options,
        TimeProvider time,
        Action<string>? onLost = null,
        CancellationToken cancellationToken = default) =>
        new(
            RankDialer.Dial(
                leader,
                new RankHello(LinkPurpose.Plans, replica, epoch, rank, ranks, 0),
                options.JoinPatience,
                time,
                options.Secure,
                cancellationToken),
            rank,
            options,
            time,
            onLost);

    /// <summary>Not for followers.</summary>
    public void Send(ShardMessage message) => throw new InvalidOperationException($"Rank {_rank} follows; only the leader sends.");

    /// <inheritdoc/>
    /// <returns>After the link's end: <see cref="ShardMessage.Stop"/>, once all messages are taken.</returns>
    /// <exception cref="RankLinkException">The leader is lost; says why.</exception>
    public ShardMessage Receive(int rank, CancellationToken cancellationToken)
    {
        if (rank != _rank)
        {
            throw new ArgumentOutOfRangeException(nameof(rank), rank, $"This is the end of rank {_rank}.");
        }

        if (_messages.TryTake(out var message, cancellationToken))
        {
            return message!;
        }

        _line.ThrowIfLost();
        return new ShardMessage.Stop();
    }

    /// <inheritdoc/>
    public void Leave(int rank, string reason)
    {
        if (_line.Failure is null)
        {
            SayAndEnd(ShardFrame.Words(ShardFrameKind.Leave, reason));
        }
    }

    /// <inheritdoc/>
    public void Answer(int rank, MoveAnswer answer)
    {
        try
        {
            _line.Send(ShardFrame.Answer(answer));
        }
        catch (RankLinkException)
        {
            // The leader is lost, which is told elsewhere, and with it who asked.
        }
    }

    /// <summary>Tells the leader that this rank is gone, which is a loss for it unless it said stop before.</summary>
    public void Dispose()
    {
        SayAndEnd(ShardFrame.Words(ShardFrameKind.Bye));
        _messages.Close();
        _line.Dispose();
    }

    private void SayAndEnd(byte[] words)
    {
        _line.End();
        try
        {
            _line.Send(words);
        }
        catch (RankLinkException)
        {
            // The leader was lost before, and its loss told.
        }
    }

    private void Take(ShardLine line, ShardFrameKind kind, ReadOnlySpan<byte> body)
    {
        if (kind is ShardFrameKind.Stop or ShardFrameKind.Bye)
        {
            // Nothing that follows can be missed.
            line.End();
        }

        if (kind == ShardFrameKind.Bye)
        {
            _messages.Close();
        }
        else
        {
            _messages.TryPut(ShardFrame.Read(kind, body)!, body.Length);
        }
    }
}
