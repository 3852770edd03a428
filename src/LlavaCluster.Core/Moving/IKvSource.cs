namespace LlavaCluster.Core.Moving;

/// <summary>Brings KV blocks from other replicas. Any thread.</summary>
public interface IKvSource
{
    /// <summary>What a move is believed to bring, and how.</summary>
    KvMoveOptions Options { get; }

    /// <summary>
    /// Copies blocks into those of this replica, which the caller holds. Never fails: what does not come says why, and is computed.
    /// </summary>
    Task<KvDelivery> FetchAsync(KvOrder order, CancellationToken cancellationToken);
}

/// <summary>Blocks that another replica may have.</summary>
/// <param name="From">Where that replica's ranks lend theirs: address and port of each, by rank.</param>
/// <param name="Keys">Keys of the blocks.</param>
/// <param name="Blocks">Blocks to write them to, one per key.</param>
/// <param name="Bytes">Writes them.</param>
public sealed record KvOrder(IReadOnlyList<string> From, IReadOnlyList<UInt128> Keys, IReadOnlyList<int> Blocks, IBlockBytes Bytes);

/// <summary>What came of an order.</summary>
/// <param name="Arrived">Indexes, in the order, of the blocks that are there now.</param>
/// <param name="Damaged">Blocks that came and were not what had been sent.</param>
/// <param name="Attempts">Connections that it took.</param>
/// <param name="Took">How long it took.</param>
/// <param name="Why">What kept the others from coming; null: the other replica did not have them.</param>
public sealed record KvDelivery(IReadOnlyList<int> Arrived, int Damaged, int Attempts, TimeSpan Took, string? Why = null);
