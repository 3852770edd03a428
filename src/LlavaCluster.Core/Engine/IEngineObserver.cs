using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Engine;

/// <summary>Is told what an engine does; for logs and metrics. Called on the engine's thread: must be quick and must not throw.</summary>
public interface IEngineObserver
{
    /// <summary>A step failed for these sequences.</summary>
    void StepFailed(IReadOnlyList<string> sequences, Exception error);

    /// <summary>An image could not be had, or not be loaded, for these sequences.</summary>
    void ImageFailed(string image, IReadOnlyList<string> sequences, Exception error);

    /// <summary>Nobody read the events of a sequence; it was dropped.</summary>
    void SequenceAbandoned(string sequence, TimeSpan unread);

    /// <summary>The loop ended for a reason of its own: all its sequences have failed.</summary>
    void LoopFailed(Exception error);

    /// <summary>A sequence lost its KV blocks to an older one; it goes on later, by what the cache still knows of it.</summary>
    /// <param name="sequence">Its name.</param>
    /// <param name="computed">Tokens that it had computed.</param>
    void Preempted(string sequence, int computed)
    {
    }

    /// <summary>KV blocks could not be moved to or from slower memory: they are computed again when they are needed.</summary>
    void MoveFailed(TierMove move, Exception error)
    {
    }

    /// <summary>KV blocks were moved.</summary>
    void Moved(TierCounts counts)
    {
    }

    /// <summary>KV blocks came from another replica, or should have.</summary>
    /// <param name="sequences">Sequences that waited for them.</param>
    /// <param name="blocks">Blocks that were missing here.</param>
    /// <param name="delivery">What came.</param>
    /// <param name="counts">All that came so far.</param>
    void Fetched(IReadOnlyList<string> sequences, int blocks, KvDelivery delivery, KvMoveCounts counts)
    {
    }

    /// <summary>A step was computed.</summary>
    /// <param name="tokens">Tokens computed.</param>
    /// <param name="sampled">Tokens chosen.</param>
    /// <param name="took">How long it took.</param>
    void StepDone(int tokens, int sampled, TimeSpan took);
}

/// <summary>Tells nobody.</summary>
public sealed class NoObserver : IEngineObserver
{
    /// <inheritdoc/>
    public void StepFailed(IReadOnlyList<string> sequences, Exception error)
    {
    }

    /// <inheritdoc/>
    public void ImageFailed(string image, IReadOnlyList<string> sequences, Exception error)
    {
    }

    /// <inheritdoc/>
    public void SequenceAbandoned(string sequence, TimeSpan unread)
    {
    }

    /// <inheritdoc/>
    public void LoopFailed(Exception error)
    {
    }

    /// <inheritdoc/>
    public void StepDone(int tokens, int sampled, TimeSpan took)
    {
    }
}
