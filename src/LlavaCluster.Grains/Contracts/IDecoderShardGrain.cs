using Orleans.Concurrency;

namespace LlavaCluster.Grains.Contracts;

/// <summary>One rank of a replica; the key is <c>"&lt;replica&gt;/&lt;rank&gt;"</c>. Rank 0 leads and takes sequences.</summary>
[Alias("llava.IDecoderShardGrain")]
public interface IDecoderShardGrain : IGrainWithStringKey
{
    /// <summary>
    /// Queues a sequence: accepted, then started, tokens, ended. Accepted is said again, twice a second, until there is a token. Ending the
    /// enumeration frees the sequence within one step.
    /// </summary>
    /// <exception cref="TurnRefusedException">ContextExceeded, QueueFull, Unavailable, or InvalidArgument for a bad image.</exception>
    [Alias("Generate")]
    IAsyncEnumerable<TokenEventMessage> Generate(SequenceMessage sequence, CancellationToken cancellationToken = default);

    /// <summary>Forgets the KV and the images of a conversation that is deleted, as far as no other shares them.</summary>
    /// <param name="conversation">Its session, ids, images and tenant; the rest does not matter.</param>
    [AlwaysInterleave]
    [ResponseTimeout("00:00:05")]
    [Alias("Forget")]
    Task Forget(SequenceMessage conversation);

    /// <summary>
    /// Another rank's silo leaves, and the replica with it: has other replicas fetch the KV of the conversations to which nobody talks now.
    /// Returns when they have it, or soon after it is cancelled. Of leaders only.
    /// </summary>
    [AlwaysInterleave]
    [ResponseTimeout("01:00:00")]
    [Alias("GiveAway")]
    Task GiveAway(CancellationToken cancellationToken = default);

    /// <summary>How busy this replica is.</summary>
    [AlwaysInterleave]
    [Alias("Load")]
    Task<LoadMessage> Load();
}

/// <summary>How busy a replica is.</summary>
/// <param name="Waiting">Sequences in the queue.</param>
/// <param name="Running">Sequences being computed.</param>
/// <param name="FreeBlocks">KV blocks that no running sequence holds.</param>
/// <param name="TotalBlocks">KV blocks in all.</param>
[GenerateSerializer, Immutable, Alias("llava.Load")]
public sealed record LoadMessage(
    [property: Id(0)] int Waiting, [property: Id(1)] int Running, [property: Id(2)] int FreeBlocks, [property: Id(3)] int TotalBlocks);
