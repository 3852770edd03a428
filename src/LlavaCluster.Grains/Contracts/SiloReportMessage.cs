using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Placement;

namespace LlavaCluster.Grains.Contracts;

/// <summary>What must fit together in a cluster.</summary>
/// <param name="Silo">Address and port.</param>
/// <param name="Protocol">What silos say to each other; see <see cref="Fleet.SiloIdentity.Protocol"/>.</param>
/// <param name="Checkpoint">Id of the checkpoint.</param>
/// <param name="Version">Version of the program; for people.</param>
[GenerateSerializer, Immutable, Alias("llava.SiloIdentity")]
public sealed record SiloIdentityMessage(
    [property: Id(0)] string Silo, [property: Id(1)] int Protocol, [property: Id(2)] string Checkpoint, [property: Id(3)] string Version);

/// <summary>How a silo is.</summary>
[GenerateSerializer, Immutable, Alias("llava.SiloReport")]
public sealed record SiloReportMessage
{
    /// <summary>The silo.</summary>
    [Id(0)]
    public required SiloAddress Silo { get; init; }

    /// <summary>Higher in each report of a silo: one that comes late is known by it.</summary>
    [Id(1)]
    public required long Number { get; init; }

    /// <summary>What it does.</summary>
    [Id(2)]
    public required SiloRoles Roles { get; init; }

    /// <summary>What it serves.</summary>
    [Id(3)]
    public required SiloIdentityMessage Identity { get; init; }

    /// <summary>It takes nothing new.</summary>
    [Id(4)]
    public required bool IsDraining { get; init; }

    /// <summary>Conversations that live there.</summary>
    [Id(5)]
    public required int Sessions { get; init; }

    /// <summary>Its place in a replica; decoders only.</summary>
    [Id(7)]
    public SeatLoadMessage? Seat { get; init; }

    /// <summary>Its image encoder; encoders only.</summary>
    [Id(8)]
    public EncoderLoadMessage? Encoder { get; init; }

    /// <summary>What the turns of its conversations ask for, by tenant.</summary>
    [Id(9)]
    public required IReadOnlyDictionary<string, TurnWorkMessage> Work { get; init; }

    /// <summary>Its turns that end in a second.</summary>
    [Id(10)]
    public double TurnRate { get; init; }
}

/// <summary>How one process's part of a replica is.</summary>
[GenerateSerializer, Immutable, Alias("llava.SeatLoad")]
public sealed record SeatLoadMessage
{
    /// <summary>Key of its shard grain.</summary>
    [Id(0)]
    public required string Shard { get; init; }

    /// <summary>The replica.</summary>
    [Id(1)]
    public required string Replica { get; init; }

    /// <summary>Its rank; null: a spare one without.</summary>
    [Id(2)]
    public int? Rank { get; init; }

    /// <summary>Ranks of the replica.</summary>
    [Id(3)]
    public required int Ranks { get; init; }

    /// <summary>What it does.</summary>
    [Id(4)]
    public required SeatState State { get; init; }

    /// <summary>Formation of the ranks that it belongs, or belonged, to; 0: all ranks are in one process, or it never did.</summary>
    [Id(5)]
    public required long Epoch { get; init; }

    /// <summary>What it waits for; empty: nothing.</summary>
    [Id(6)]
    public required string Why { get; init; }

    /// <summary>It takes sequences for its replica.</summary>
    [Id(7)]
    public required bool IsLeading { get; init; }

    /// <summary>How busy; leaders only have something here.</summary>
    [Id(8)]
    public required LoadMessage Load { get; init; }

    /// <summary>Tokens of answers in a second.</summary>
    [Id(9)]
    public required double AnswerRate { get; init; }

    /// <summary>Tokens computed in a second, those of prompts too.</summary>
    [Id(10)]
    public required double ComputeRate { get; init; }

    /// <summary>Beginnings of conversations that it computed lately; see <see cref="Routing.Beginnings"/>.</summary>
    [Id(11)]
    public required IReadOnlyList<ulong> Beginnings { get; init; }

    /// <summary>Where other replicas fetch KV of its rank; empty: nowhere.</summary>
    [Id(12)]
    public string KvAddress { get; init; } = "";

    /// <summary>KV that came from other replicas; null: none can.</summary>
    [Id(13)]
    public KvMovesMessage? Moves { get; init; }
}

/// <summary>What a replica fetched from others, and by what it decides whether to.</summary>
/// <param name="Blocks">KV blocks that came since its start.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Rate">Bytes per second.</param>
/// <param name="PrefillRate">Prompt tokens computed per second; 0: not measured yet.</param>
[GenerateSerializer, Immutable, Alias("llava.KvMoves")]
public sealed record KvMovesMessage(
    [property: Id(0)] long Blocks, [property: Id(1)] long Bytes, [property: Id(2)] double Rate, [property: Id(3)] double PrefillRate);

/// <summary>How an image encoder is.</summary>
/// <param name="Encoder">Its id.</param>
/// <param name="Outstanding">Tiles that wait or are under way.</param>
/// <param name="Encoded">Tiles that it encoded since its start.</param>
/// <param name="Rate">Tiles in a second.</param>
[GenerateSerializer, Immutable, Alias("llava.EncoderLoad")]
public sealed record EncoderLoadMessage(
    [property: Id(0)] string Encoder, [property: Id(1)] int Outstanding, [property: Id(2)] long Encoded, [property: Id(3)] double Rate);
