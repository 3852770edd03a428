namespace LlavaCluster.Core.Replicas;

/// <summary>What a seat is to do next.</summary>
public abstract record SeatOrder
{
    private SeatOrder()
    {
    }

    /// <summary>Go on with what you do, and report again.</summary>
    /// <param name="Why">What is waited for; empty: nothing.</param>
    public sealed record Stay(string Why) : SeatOrder;

    /// <summary>Meet the other ranks.</summary>
    /// <param name="Formation">Who they are.</param>
    public sealed record Join(Formation Formation) : SeatOrder;

    /// <summary>Read the weights of a rank that is missing; spare seats only.</summary>
    /// <param name="Rank">The rank.</param>
    public sealed record Prepare(int Rank) : SeatOrder;

    /// <summary>The formation that you join will not come about: make a new offer.</summary>
    /// <param name="Why">What happened; a sentence.</param>
    public sealed record Leave(string Why) : SeatOrder;

    /// <summary>You cannot belong to this replica.</summary>
    /// <param name="Why">What differs; a sentence that names it.</param>
    public sealed record Refuse(string Why) : SeatOrder;
}
