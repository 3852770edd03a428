namespace LlavaCluster.Core.Replicas;

/// <summary>What a seat does, for people to read.</summary>
/// <param name="State">What it does.</param>
/// <param name="Rank">The rank that it has; null: none yet.</param>
/// <param name="Ranks">Ranks of the replica.</param>
/// <param name="Epoch">The last formation that it belonged to; 0: none.</param>
/// <param name="Why">What it waits for, or why it was refused; empty: nothing.</param>
public sealed record SeatStatus(SeatState State, int? Rank, int Ranks, long Epoch, string Why);
