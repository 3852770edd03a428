using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Engine;

/// <summary>The engine of one replica, as a shard grain sees it. Any thread.</summary>
public interface IDecodeEngine
{
    /// <summary>
    /// Queues a sequence and gives its events. Ending the enumeration, or the token, frees the sequence within one step.
    /// The sequence is queued, or refused, when the enumerator is made; it throws later what kept a queued sequence from being
    /// answered (<see cref="Imaging.BadImageException"/>, what the feature source threw, or a refusal since the engine stops). A step
    /// that fails ends the sequence with <see cref="FinishReason.Failed"/>.
    /// </summary>
    /// <exception cref="SequenceRefusedException">It can never fit, or the queue is full.</exception>
    IAsyncEnumerable<GenerationEvent> GenerateAsync(SequenceRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Forgets the KV of a conversation that is over, in all tiers, as far as no other conversation shares it and no turn that runs uses
    /// it, and its images, unless a turn needs them. What its cancelled turns had computed beyond these ids goes too.
    /// </summary>
    /// <param name="conversation">Its session, ids, images and tenant; the rest does not matter.</param>
    /// <returns>Blocks forgotten.</returns>
    Task<int> ForgetAsync(SequenceRequest conversation);

    /// <summary>A snapshot of how busy the engine is.</summary>
    EngineLoad Load { get; }
}

/// <summary>How busy an engine is.</summary>
/// <param name="Waiting">Sequences in the queue.</param>
/// <param name="Running">Sequences being computed.</param>
/// <param name="FreeBlocks">KV blocks that no running sequence holds.</param>
/// <param name="TotalBlocks">KV blocks in all.</param>
public sealed record EngineLoad(int Waiting, int Running, int FreeBlocks, int TotalBlocks)
{
    /// <summary>Where KV blocks are beside the device; null: nowhere.</summary>
    public TierCounts? Tiers { get; init; }

    /// <summary>What came from other replicas; null: nothing can.</summary>
    public KvMoveCounts? Moves { get; init; }
}
