using System.Net;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Replicas;

/// <summary>
/// A process that could serve a rank, and where it waits for the others. Each offer is for one formation: what comes after a loss is a
/// new offer, so nobody can be told to join one that is over.
/// </summary>
public sealed record SeatOffer
{
    /// <summary>Drawn anew for every offer.</summary>
    public required Guid Id { get; init; }

    /// <summary>Name of the process's seat, unique in the cluster: key of its shard grain.</summary>
    public required string Seat { get; init; }

    /// <summary>The rank that the seat was made for; null: a spare one.</summary>
    public int? OwnRank { get; init; }

    /// <summary>The rank whose weights it has; null: none yet.</summary>
    public int? Rank { get; init; }

    /// <summary>What it holds.</summary>
    public required RankSplit Split { get; init; }

    /// <summary>KV blocks that it has.</summary>
    public int Blocks { get; init; }

    /// <summary>Blocks that it has room for in slower memory.</summary>
    public TierRoom Below { get; init; }

    /// <summary>Its KV can move to other replicas, and theirs to it.</summary>
    public bool MovesKv { get; init; }

    /// <summary>Where it listens for the ranks' numbers.</summary>
    public required IPEndPoint Collectives { get; init; }

    /// <summary>Where it listens for followers, if it is to lead.</summary>
    public required IPEndPoint Plans { get; init; }

    /// <summary>The id under which ranks on GPUs would meet, if it is to lead; empty without GPUs.</summary>
    public ReadOnlyMemory<byte> NcclId { get; init; }
}
