namespace LlavaCluster.Core.Moving;

/// <summary>
/// One thing that every rank of a replica does, with its heads of the blocks, when KV moves to or from another replica. A block has the same
/// number on all ranks.
/// </summary>
public abstract record PartMove
{
    private PartMove()
    {
    }

    /// <summary>Blocks that are moved.</summary>
    public int Count => this switch
    {
        Lend lend => lend.Blocks.Count,
        Fetch fetch => fetch.Blocks.Count,
        _ => 0,
    };

    /// <summary>Lends blocks, which the leader holds, to those who name the loan.</summary>
    public sealed record Lend(Guid Loan, IReadOnlyList<UInt128> Keys, IReadOnlyList<int> Blocks) : PartMove;

    /// <summary>Lends them no longer.</summary>
    public sealed record TakeBack(Guid Loan) : PartMove;

    /// <summary>Fetches into blocks, which the leader holds, what the same rank of another replica lends.</summary>
    /// <param name="From">Where the other's ranks lend theirs, by rank.</param>
    /// <param name="Loan">Under what.</param>
    /// <param name="Keys">Keys of the blocks.</param>
    /// <param name="Blocks">Blocks to write them to, one per key.</param>
    public sealed record Fetch(IReadOnlyList<string> From, Guid Loan, IReadOnlyList<UInt128> Keys, IReadOnlyList<int> Blocks) : PartMove;
}
