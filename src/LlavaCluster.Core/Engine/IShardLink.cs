using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// From a replica's leader (rank 0) to its followers: what each must do next, in one order. The leader's engine thread sends; the
/// followers' engine threads take.
/// </summary>
public interface IShardLink : IDisposable
{
    /// <summary>Ranks that follow: 0 for a replica of one.</summary>
    int Followers { get; }

    /// <summary>
    /// Hands one message to every follower, in order. Leader only. A plan holds only during the call; a link that keeps it longer
    /// keeps a copy.
    /// </summary>
    void Send(ShardMessage message);

    /// <summary>Waits for the next message. Follower only.</summary>
    /// <param name="rank">The follower's rank, from 1.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ShardMessage Receive(int rank, CancellationToken cancellationToken);

    /// <summary>Tells the leader that this follower cannot go on, where the leader would not see it by itself. Follower only.</summary>
    /// <param name="rank">The follower's rank, from 1.</param>
    /// <param name="reason">What happened; a sentence.</param>
    void Leave(int rank, string reason)
    {
    }

    /// <summary>
    /// Is told, on any thread, what came of a <see cref="ShardMessage.Move"/> or <see cref="ShardMessage.Part"/> on a rank; may throw
    /// <see cref="InvalidDataException"/> at an answer that nobody asked for. Leader only; to be set before the first.
    /// </summary>
    Action<int, MoveAnswer>? Answered
    {
        get => null;
        set => throw new InvalidOperationException($"{GetType().Name} has no followers that could answer.");
    }

    /// <summary>
    /// Tells the leader what came of a <see cref="ShardMessage.Move"/> or <see cref="ShardMessage.Part"/>. Follower only; any thread.
    /// </summary>
    /// <param name="rank">The follower's rank, from 1.</param>
    /// <param name="answer">Of which move, and what.</param>
    void Answer(int rank, MoveAnswer answer) => throw new InvalidOperationException($"{GetType().Name} has no leader that could be told.");
}

/// <summary>What came of a <see cref="ShardMessage.Move"/> or <see cref="ShardMessage.Part"/> on one rank.</summary>
/// <param name="Number">Its number, from 1; 0: the rank is gone and will answer no more.</param>
/// <param name="Result">What came of it.</param>
public sealed record MoveAnswer(long Number, TierMoveResult Result);

/// <summary>One thing that a follower must do.</summary>
public abstract record ShardMessage
{
    private ShardMessage()
    {
    }

    /// <summary>Call <see cref="IModelRunner.LoadImage"/>.</summary>
    public sealed record LoadImage(ImageFeatures Features) : ShardMessage;

    /// <summary>Call <see cref="IModelRunner.ForgetImage"/>.</summary>
    public sealed record ForgetImage(ImageHash Image) : ShardMessage;

    /// <summary>Call <see cref="IModelRunner.Run"/>.</summary>
    public sealed record Run(StepPlan Plan) : ShardMessage;

    /// <summary>Call <see cref="IBlockMover.Begin"/> of the runner's mover, and tell by <see cref="IShardLink.Answer"/> what came of it.</summary>
    /// <param name="Epoch">Formation of the replica's ranks.</param>
    /// <param name="Number">From 1, one more with each move of the formation.</param>
    /// <param name="What">The move.</param>
    public sealed record Move(long Epoch, long Number, TierMove What) : ShardMessage;

    /// <summary>Do this rank's part of a move between replicas, and tell by <see cref="IShardLink.Answer"/> what came of it.</summary>
    /// <param name="Epoch">Formation of the replica's ranks.</param>
    /// <param name="Number">As of a <see cref="Move"/>; both are counted together.</param>
    /// <param name="What">The move.</param>
    public sealed record Part(long Epoch, long Number, PartMove What) : ShardMessage;

    /// <summary>No more messages.</summary>
    public sealed record Stop : ShardMessage;
}
