using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Scheduling;

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
}

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

    /// <summary>No more messages.</summary>
    public sealed record Stop : ShardMessage;
}
