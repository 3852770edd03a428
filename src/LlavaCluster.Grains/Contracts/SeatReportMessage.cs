using System.Net;
using LlavaCluster.Core.Replicas;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Grains.Contracts;

/// <summary>What a seat says; fields as in <see cref="SeatReport"/>.</summary>
/// <param name="Offer">What it offers.</param>
/// <param name="State">What it does.</param>
/// <param name="Epoch">The last formation that it belonged to.</param>
/// <param name="Formation">The formation that it joins or serves in.</param>
[GenerateSerializer, Immutable, Alias("llava.SeatReport")]
public sealed record SeatReportMessage(
    [property: Id(0)] SeatOfferMessage Offer,
    [property: Id(1)] SeatState State,
    [property: Id(2)] long Epoch,
    [property: Id(3)] Guid Formation)
{
    /// <summary>The wire form of a report.</summary>
    public static SeatReportMessage From(SeatReport report) =>
        new(SeatOfferMessage.From(report.Offer), report.State, report.Epoch, report.Formation);

    /// <summary>The report of this wire form.</summary>
    public SeatReport ToReport() => new(Offer.ToOffer(), State, Epoch, Formation);
}

/// <summary>A process that could serve a rank; fields as in <see cref="SeatOffer"/>.</summary>
[GenerateSerializer, Immutable, Alias("llava.SeatOffer")]
public sealed record SeatOfferMessage
{
    /// <inheritdoc cref="SeatOffer.Id"/>
    [Id(0)]
    public required Guid OfferId { get; init; }

    /// <inheritdoc cref="SeatOffer.Seat"/>
    [Id(1)]
    public required string Seat { get; init; }

    /// <inheritdoc cref="SeatOffer.OwnRank"/>
    [Id(2)]
    public int? OwnRank { get; init; }

    /// <inheritdoc cref="SeatOffer.Rank"/>
    [Id(3)]
    public int? Rank { get; init; }

    /// <inheritdoc cref="RankSplit.Checkpoint"/>
    [Id(4)]
    public required string Checkpoint { get; init; }

    /// <inheritdoc cref="RankSplit.Ranks"/>
    [Id(5)]
    public required int Ranks { get; init; }

    /// <inheritdoc cref="RankSplit.Dtype"/>
    [Id(6)]
    public required string Dtype { get; init; }

    /// <inheritdoc cref="RankSplit.Kernels"/>
    [Id(7)]
    public required string Kernels { get; init; }

    /// <inheritdoc cref="RankSplit.Collective"/>
    [Id(8)]
    public required string Collective { get; init; }

    /// <inheritdoc cref="SeatOffer.Blocks"/>
    [Id(9)]
    public required int Blocks { get; init; }

    /// <inheritdoc cref="SeatOffer.Collectives"/>
    [Id(10)]
    public required string Collectives { get; init; }

    /// <inheritdoc cref="SeatOffer.Plans"/>
    [Id(11)]
    public required string Plans { get; init; }

    /// <inheritdoc cref="SeatOffer.NcclId"/>
    [Id(12)]
    public required byte[] NcclId { get; init; }

    /// <inheritdoc cref="TierRoom.Host"/>
    [Id(13)]
    public required int BlocksInHost { get; init; }

    /// <inheritdoc cref="TierRoom.Disk"/>
    [Id(14)]
    public required int BlocksOnDisk { get; init; }

    /// <inheritdoc cref="SeatOffer.MovesKv"/>
    [Id(15)]
    public bool MovesKv { get; init; }

    /// <summary>The wire form of an offer.</summary>
    public static SeatOfferMessage From(SeatOffer offer) => new()
    {
        OfferId = offer.Id,
        Seat = offer.Seat,
        OwnRank = offer.OwnRank,
        Rank = offer.Rank,
        Checkpoint = offer.Split.Checkpoint,
        Ranks = offer.Split.Ranks,
        Dtype = offer.Split.Dtype,
        Kernels = offer.Split.Kernels,
        Collective = offer.Split.Collective,
        Blocks = offer.Blocks,
        Collectives = offer.Collectives.ToString(),
        Plans = offer.Plans.ToString(),
        NcclId = offer.NcclId.ToArray(),
        BlocksInHost = offer.Below.Host,
        BlocksOnDisk = offer.Below.Disk,
        MovesKv = offer.MovesKv,
    };

    /// <summary>The offer of this wire form.</summary>
    public SeatOffer ToOffer() => new()
    {
        Id = OfferId,
        Seat = Seat,
        OwnRank = OwnRank,
        Rank = Rank,
        Split = new RankSplit(Checkpoint, Ranks, Dtype, Kernels, Collective),
        Blocks = Blocks,
        Collectives = IPEndPoint.Parse(Collectives),
        Plans = IPEndPoint.Parse(Plans),
        NcclId = NcclId,
        Below = new TierRoom(BlocksInHost, BlocksOnDisk),
        MovesKv = MovesKv,
    };
}
