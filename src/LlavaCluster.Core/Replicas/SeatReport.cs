namespace LlavaCluster.Core.Replicas;

/// <summary>What a seat does.</summary>
public enum SeatState
{
    /// <summary>Reads weights.</summary>
    Preparing,

    /// <summary>Can be told to join.</summary>
    Free,

    /// <summary>Meets the other ranks.</summary>
    Joining,

    /// <summary>Is one rank of a replica that computes.</summary>
    Serving,
}

/// <summary>What a seat says of itself, again and again: who is not heard of does not count.</summary>
/// <param name="Offer">What it offers, or offered before it joined.</param>
/// <param name="State">What it does.</param>
/// <param name="Epoch">The last formation that it belonged to; 0: none.</param>
/// <param name="Formation">The formation that it joins or serves in; empty: none.</param>
public sealed record SeatReport(SeatOffer Offer, SeatState State, long Epoch, Guid Formation);
