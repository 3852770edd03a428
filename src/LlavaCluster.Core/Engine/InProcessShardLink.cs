using System.Collections.Concurrent;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Engine;

/// <summary>Leader and followers are threads of one process. Each follower has a queue of its own.</summary>
public sealed class InProcessShardLink : IShardLink
{
    private readonly BlockingCollection<ShardMessage>[] _queues;

    /// <summary>For that many followers.</summary>
    public InProcessShardLink(int followers)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(followers);
        _queues = [.. Enumerable.Range(0, followers).Select(_ => new BlockingCollection<ShardMessage>())];
    }

    /// <inheritdoc/>
    public int Followers => _queues.Length;

    /// <inheritdoc/>
    public void Send(ShardMessage message)
    {
        // The leader fills its plan anew while the followers still read theirs.
        message = message is ShardMessage.Run run ? new ShardMessage.Run(run.Plan.Copy()) : message;
        foreach (var queue in _queues)
        {
            queue.Add(message);
        }
    }

    /// <inheritdoc/>
    public Action<int, MoveAnswer>? Answered { get; set; }

    /// <inheritdoc/>
    public void Answer(int rank, MoveAnswer answer) => Answered?.Invoke(rank, answer);

    /// <inheritdoc/>
    public void Leave(int rank, string reason) =>
        Answered?.Invoke(rank, new MoveAnswer(0, new TierMoveResult([], TimeSpan.Zero, new InvalidOperationException($"Rank {rank} is gone: {reason}"))));

    /// <summary>Waits for the next message.</summary>
    /// <param name="rank">The follower's rank, from 1.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>After the link's end: <see cref="ShardMessage.Stop"/>, once all messages are taken.</returns>
    public ShardMessage Receive(int rank, CancellationToken cancellationToken)
    {
        if (rank < 1 || rank > _queues.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(rank), rank, $"Followers have ranks 1 to {_queues.Length}.");
        }

        return _queues[rank - 1].TryTake(out var message, Timeout.Infinite, cancellationToken) ? message : new ShardMessage.Stop();
    }

    /// <summary>No more messages; those that were sent can still be taken.</summary>
    public void Dispose()
    {
        foreach (var queue in _queues)
        {
            queue.CompleteAdding();
        }
    }
}
