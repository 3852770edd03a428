using LlavaCluster.Core.Engine;

namespace LlavaCluster.Grains.Contracts;

/// <summary>What a replica tells of a sequence.</summary>
[GenerateSerializer, Immutable, Alias("llava.TokenEvent")]
public abstract record TokenEventMessage;

/// <summary>The sequence stands in the queue: it will be answered. Always the first; later it says that the sequence still stands.</summary>
[GenerateSerializer, Immutable, Alias("llava.SequenceAccepted")]
public sealed record SequenceAcceptedMessage : TokenEventMessage;

/// <summary>The sequence has its KV blocks.</summary>
/// <param name="PromptTokens">Ids of the prompt.</param>
/// <param name="CachedTokens">How many of them were found in the KV cache.</param>
[GenerateSerializer, Immutable, Alias("llava.SequenceStarted")]
public sealed record SequenceStartedMessage(
    [property: Id(0)] int PromptTokens, [property: Id(1)] int CachedTokens) : TokenEventMessage;

/// <summary>Tokens that came.</summary>
/// <param name="Offset">Number of the first of them in the turn.</param>
/// <param name="Tokens">The tokens.</param>
/// <param name="Text">Text that they completed.</param>
[GenerateSerializer, Immutable, Alias("llava.SequenceTokens")]
public sealed record SequenceTokensMessage(
    [property: Id(0)] int Offset, [property: Id(1)] IReadOnlyList<TokenMessage> Tokens, [property: Id(2)] string Text)
    : TokenEventMessage;

/// <summary>The sequence is over.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Text">Text that was held back and belongs to the answer.</param>
/// <param name="Timings">How long it took.</param>
[GenerateSerializer, Immutable, Alias("llava.SequenceEnded")]
public sealed record SequenceEndedMessage(
    [property: Id(0)] FinishReason Reason, [property: Id(1)] string Text, [property: Id(2)] TimingsMessage Timings) : TokenEventMessage;
