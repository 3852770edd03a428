using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Links;

/// <summary>
/// The leader's end of the plan link, when its followers are other processes. A message is put into bytes once and written to each
/// follower on the engine's thread; only large ones, and those for a follower that lags, go through a bounded queue.
/// </summary>
public sealed class TcpShardLink : IShardLink
{
    private readonly object _gate = new();
    private readonly WireWriter _bytes = new();
    private readonly ShardLine[] _lines;

    private TcpShardLink(
        IReadOnlyList<RankConnection> connections, ShardLinkOptions options, TimeProvider time, Action<int, string>? onLost) =>
        _lines = [.. connections.Select(connection => new ShardLine(
            connection, options, time, Take, reason => Lose(connection.Rank, reason, onLost)))];

    /// <inheritdoc/>
    public int Followers => _lines.Length;

    /// <inheritdoc/>
    public Action<int, MoveAnswer>? Answered { get; set; }

    /// <summary>Waits for all followers. Blocks.</summary>
    /// <param name="listener">Where they call; needed only until this returns.</param>
    /// <param name="replica">The same on all ranks, drawn anew by who forms them.</param>
    /// <param name="epoch">Formation of the replica's ranks.</param>
    /// <param name="ranks">Ranks of the replica, this one among them.</param>
    /// <param name="options">How patient.</param>
    /// <param name="time">Clock of waits and heart-beats.</param>
    /// <param name="onLost">
    /// Told, on any thread and once for each, which rank is lost and why: its owner then aborts the collective. May be told before this
    /// returns.
    /// </param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RankLinkException">A rank is missing; says which.</exception>
    public static TcpShardLink Form(
        RankListener listener,
        Guid replica,
        long epoch,
        int ranks,
        ShardLinkOptions options,
        TimeProvider time,
        Action<int, string>? onLost = null,
        CancellationToken cancellationToken = default) =>
        new(
            listener.Gather(
                new RankHello(LinkPurpose.Plans, replica, epoch, 0, ranks, 0),
                [.. Enumerable.Range(1, ranks - 1)],
                options.JoinPatience,
                time,
                cancellationToken),
            options,
            time,
            onLost);

    /// <inheritdoc/>
    /// <exception cref="RankLinkException">A follower is lost; says which and why.</exception>
    public void Send(ShardMessage message)
    {
        lock (_gate)
        {
            _bytes.Clear();
            ShardFrame.Write(message, _bytes);
            if (message is ShardMessage.Stop)
            {
                // They may leave as soon as they read it; one that is lost needs no word.
                Array.ForEach(_lines, line => line.End());
            }

            var shared = _bytes.Length > ShardLine.InlineBytes ? _bytes.Written.ToArray() : null;
            foreach (var line in _lines)
            {
                try
                {
                    if (shared is null)
                    {
                        line.Send(_bytes.Written);
                    }
                    else
                    {
                        line.Enqueue(shared);
                    }
                }
                catch (RankLinkException) when (message is ShardMessage.Stop)
                {
                }
            }
        }
    }

    /// <summary>Not for the leader.</summary>
    public ShardMessage Receive(int rank, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("The leader sends; only followers receive.");

    /// <summary>No more messages; those that were sent arrive.</summary>
    public void Dispose()
    {
        foreach (var line in _lines)
        {
            line.End();
            try
            {
                line.Send(ShardFrame.Words(ShardFrameKind.Bye));
            }
            catch (RankLinkException)
            {
                // Lost before, and told then.
            }
        }

        Array.ForEach(_lines, line => line.Dispose());
    }

    private void Lose(int rank, string reason, Action<int, string>? onLost)
    {
        onLost?.Invoke(rank, reason);
        // Whoever sets it later finds the rank gone when it sends.
        Answered?.Invoke(rank, new MoveAnswer(0, new TierMoveResult([], TimeSpan.Zero, new RankLinkException(reason))));
    }

    private void Take(ShardLine line, ShardFrameKind kind, ReadOnlySpan<byte> body)
    {
        switch (kind)
        {
            case ShardFrameKind.Answer when Answered is { } answered:
                answered(line.Rank, TierMoveCodec.ReadAnswer(body, line.Rank));
                break;
            case ShardFrameKind.Bye:
                // After Stop it is no loss.
                line.Lose($"Rank {line.Rank} has left.");
                break;
            default:
                throw WireReader.Bad($"a follower sends no {kind}");
        }
    }
}
