namespace LlavaCluster.Grains.Contracts;

/// <summary>A conversation whose KV is on a replica.</summary>
/// <param name="Tokens">Tokens of the conversation.</param>
/// <param name="CachedTokens">How many of them were there before.</param>
[GenerateSerializer, Immutable, Alias("llava.Warm")]
public sealed record WarmMessage([property: Id(0)] int Tokens, [property: Id(1)] int CachedTokens);
