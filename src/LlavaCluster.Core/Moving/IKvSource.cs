namespace LlavaCluster.Core.Moving;

/// <summary>Brings KV blocks from other replicas. Any thread.</summary>
public interface IKvSource
{
    /// <summary>What a move is believed to bring, and how.</summary>
    KvMoveOptions Options { get; }

    /// <summary>
    /// Copies blocks into those of this rank, which the caller holds. Never fails: what does not come says why, and is computed.
    /// </summary>
    Task<KvDelivery> FetchAsync(KvOrder order, CancellationToken cancellationToken);

    /// <summary>
    /// Has the other replica hold those blocks of an order that it has, on all of its ranks, each of which then lends its part to the order's
    /// <see cref="KvOrder.Loan"/>.
    /// </summary>
    /// <exception cref="IOException">It cannot be reached.</exception>
    /// <exception cref="KvRefusedException">It does not lend; the reason.</exception>
    Task<KvHold> HoldAsync(KvOrder order, CancellationToken cancellationToken);
}

/// <summary>Blocks that another replica may have.</summary>
/// <param name="From">Where that replica's ranks lend theirs: address and port of each, by rank.</param>
/// <param name="Keys">Keys of the blocks.</param>
/// <param name="Blocks">Blocks to write them to, one per key.</param>
/// <param name="Bytes">Writes them.</param>
public sealed record KvOrder(IReadOnlyList<string> From, IReadOnlyList<UInt128> Keys, IReadOnlyList<int> Blocks, IBlockBytes Bytes)
{
    /// <summary>The rank that wants its part of them.</summary>
    public int Rank { get; init; }

    /// <summary>Under what all of the other's ranks lend them; empty: it has one rank, which is asked for both at once.</summary>
    public Guid Loan { get; init; }
}

/// <summary>What came of an order.</summary>
/// <param name="Arrived">Indexes, in the order, of the blocks that are there now.</param>
/// <param name="Damaged">Blocks that came and were not what had been sent; of several ranks each counts its own.</param>
/// <param name="Attempts">Connections that it took, of all ranks.</param>
/// <param name="Took">How long it took.</param>
/// <param name="Why">What kept the others from coming; null: the other replica did not have them.</param>
public sealed record KvDelivery(IReadOnlyList<int> Arrived, int Damaged, int Attempts, TimeSpan Took, string? Why = null);
