using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Moving;

namespace LlavaCluster.Core.Replicas;

/// <summary>What a seat is.</summary>
public sealed record RankSeatOptions
{
    /// <summary>Its name, unique in the cluster.</summary>
    public required string Seat { get; init; }

    /// <summary>The replica that it belongs to.</summary>
    public required string Replica { get; init; }

    /// <summary>The rank that it was made for; null: a spare one.</summary>
    public int? Rank { get; init; }

    /// <summary>Address that the other ranks call.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>Makes the engine of a leader: runner, link to the followers, epoch.</summary>
    public required Func<Func<IModelRunner>, IShardLink, long, DecodeLoop> Loop { get; init; }

    /// <summary>Has a new engine compute something, with all ranks, before it takes sequences.</summary>
    public Func<DecodeLoop, CancellationToken, Task> WarmUp { get; init; } = (_, _) => Task.CompletedTask;

    /// <summary>Where a rank fetches its part of KV that other replicas computed; a leader's engine has it from <see cref="Loop"/>. Null: nowhere.</summary>
    public IKvSource? Moves { get; init; }

    /// <summary>What the seat lends to others; null: nothing.</summary>
    public LentParts? Lent { get; init; }

    /// <summary>How the ranks watch each other.</summary>
    public ShardLinkOptions Link { get; init; } = new();

    /// <summary>Wraps the other ranks' calls to this seat, for plans and for numbers; null: plain.</summary>
    public SecureStream? Secure { get; init; }

    /// <summary>How often a seat that wants something reports.</summary>
    public TimeSpan ReportEvery { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How often one that serves does.</summary>
    public TimeSpan ReportServingEvery { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long an order is waited for.</summary>
    public TimeSpan OrderPatience { get; init; } = TimeSpan.FromSeconds(2);
}
