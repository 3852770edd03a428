using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Grains.Contracts;

/// <summary>One turn as a replica gets it; fields as in <see cref="SequenceRequest"/>.</summary>
[GenerateSerializer, Immutable, Alias("llava.Sequence")]
public sealed record SequenceMessage
{
    /// <inheritdoc cref="SequenceRequest.Name"/>
    [Id(0)]
    public required string Name { get; init; }

    /// <inheritdoc cref="SequenceRequest.TokenIds"/>
    [Id(1)]
    public required IReadOnlyList<int> TokenIds { get; init; }

    /// <inheritdoc cref="SequenceRequest.Images"/>
    [Id(2)]
    public required IReadOnlyList<ImageSpanMessage> Images { get; init; }

    /// <inheritdoc cref="SequenceRequest.Encoders"/>
    [Id(3)]
    public required IReadOnlyDictionary<string, string> Encoders { get; init; }

    /// <inheritdoc cref="SequenceRequest.Sampling"/>
    [Id(4)]
    public required SamplingMessage Sampling { get; init; }

    /// <inheritdoc cref="SequenceRequest.Seed"/>
    [Id(5)]
    public required ulong Seed { get; init; }

    /// <inheritdoc cref="SequenceRequest.Turn"/>
    [Id(6)]
    public required int Turn { get; init; }

    /// <inheritdoc cref="SequenceRequest.MaxTokens"/>
    [Id(7)]
    public required int MaxTokens { get; init; }

    /// <inheritdoc cref="SequenceRequest.Tenant"/>
    [Id(8)]
    public string Tenant { get; init; } = "";

    /// <inheritdoc cref="SequenceRequest.Answered"/>
    [Id(9)]
    public IReadOnlyList<int> Answered { get; init; } = [];

    /// <summary>What the conversation may have in common with others; told to the gateways.</summary>
    [Id(10)]
    public IReadOnlyList<ulong> Beginnings { get; init; } = [];

    /// <inheritdoc cref="SequenceRequest.Session"/>
    [Id(11)]
    public string Session { get; init; } = "";

    /// <summary>Replica that has computed the conversation, where that is another one; empty: none that is there.</summary>
    [Id(12)]
    public string KvAt { get; init; } = "";

    /// <summary>The engine's form.</summary>
    public SequenceRequest ToRequest() => new()
    {
        Name = Name,
        Session = Session,
        TokenIds = TokenIds,
        Images = [.. Images.Select(i => i.ToSpan())],
        Encoders = Encoders,
        Sampling = Sampling.ToOptions(),
        Seed = Seed,
        Turn = Turn,
        MaxTokens = MaxTokens,
        Tenant = Tenant,
        Answered = Answered,
    };
}

/// <summary>The run of placeholder ids of one image; fields as in <see cref="ImageSpan"/>.</summary>
/// <param name="Offset">Position of its first token in the sequence.</param>
/// <param name="Length">Tokens.</param>
/// <param name="Image">Hash, hexadecimal digits.</param>
/// <param name="Width">Pixels of a row of the upright picture.</param>
/// <param name="Height">Rows of the upright picture.</param>
[GenerateSerializer, Immutable, Alias("llava.ImageSpan")]
public sealed record ImageSpanMessage(
    [property: Id(0)] int Offset,
    [property: Id(1)] int Length,
    [property: Id(2)] string Image,
    [property: Id(3)] int Width,
    [property: Id(4)] int Height)
{
    /// <summary>The wire form of a span.</summary>
    public static ImageSpanMessage From(ImageSpan span) => new(span.Offset, span.Length, span.Image.Hex, span.Width, span.Height);

    /// <summary>The span of this wire form.</summary>
    public ImageSpan ToSpan() => new(Offset, Length, new ImageHash(Image), Width, Height);
}
