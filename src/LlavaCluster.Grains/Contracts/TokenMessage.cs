using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Grains.Contracts;

/// <summary>One token of an answer.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProb">Natural logarithm of its probability by the model's own logits.</param>
/// <param name="Top">The most probable tokens, best first, when asked for; else empty.</param>
[GenerateSerializer, Immutable, Alias("llava.Token")]
public sealed record TokenMessage(
    [property: Id(0)] int Id, [property: Id(1)] float LogProb, [property: Id(2)] IReadOnlyList<TopTokenMessage> Top)
{
    /// <summary>The wire form of a token.</summary>
    public static TokenMessage From(SampledToken token) =>
        new(token.Id, token.LogProb, [.. token.Top.Select(t => new TopTokenMessage(t.Id, t.LogProb))]);

    /// <summary>The token of this wire form.</summary>
    public SampledToken ToToken() => new(Id, LogProb, [.. Top.Select(t => (t.Id, t.LogProb))]);
}

/// <summary>One of the most probable tokens at a position.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProb">Natural logarithm of its probability.</param>
[GenerateSerializer, Immutable, Alias("llava.TopToken")]
public readonly record struct TopTokenMessage([property: Id(0)] int Id, [property: Id(1)] float LogProb);
