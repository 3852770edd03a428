using LlavaCluster.Core.Engine;

namespace LlavaCluster.Grains.Contracts;

/// <summary>What a session tells of a turn: one started, any number of deltas, one finished; in silences, that it goes on.</summary>
[GenerateSerializer, Immutable, Alias("llava.TurnEvent")]
public abstract record TurnEventMessage;

/// <summary>Nothing new came for a while, and the session is there. Only to who asks for it by <see cref="TurnRequestMessage.TellSilences"/>.</summary>
[GenerateSerializer, Immutable, Alias("llava.TurnWaiting")]
public sealed record TurnWaitingMessage : TurnEventMessage;

/// <summary>The engine has taken the turn's sequence up.</summary>
/// <param name="Session">Session id.</param>
/// <param name="TurnId">Turn id, also when the session made it.</param>
/// <param name="PromptTokens">Tokens of the whole conversation, image tokens included.</param>
/// <param name="CachedTokens">How many of them were found in the KV cache.</param>
/// <param name="ImageTokens">Tokens of each image of this turn, in order.</param>
/// <param name="Replica">Replica that answers.</param>
/// <param name="Seed">Seed of the turn.</param>
[GenerateSerializer, Immutable, Alias("llava.TurnStarted")]
public sealed record TurnStartedMessage(
    [property: Id(0)] string Session,
    [property: Id(1)] string TurnId,
    [property: Id(2)] int PromptTokens,
    [property: Id(3)] int CachedTokens,
    [property: Id(4)] IReadOnlyList<int> ImageTokens,
    [property: Id(5)] string Replica,
    [property: Id(6)] ulong Seed) : TurnEventMessage;

/// <summary>More of the answer. All texts of a turn together are the answer's text.</summary>
/// <param name="Offset">Number of the first token in the turn, from 0.</param>
/// <param name="Tokens">Tokens; none when only text that was held back comes.</param>
/// <param name="Text">Text that they completed: whole characters; may be empty.</param>
[GenerateSerializer, Immutable, Alias("llava.TurnDelta")]
public sealed record TurnDeltaMessage(
    [property: Id(0)] int Offset, [property: Id(1)] IReadOnlyList<TokenMessage> Tokens, [property: Id(2)] string Text)
    : TurnEventMessage;

/// <summary>The turn is over.</summary>
/// <param name="Reason">Why.</param>
/// <param name="PromptTokens">Tokens of the whole conversation before the answer.</param>
/// <param name="CachedTokens">How many of them were found in the KV cache; 0 in a replay of a turn from the log.</param>
/// <param name="CompletionTokens">Tokens of the answer.</param>
/// <param name="Timings">How long it took; zero in a replay of a turn from the log.</param>
[GenerateSerializer, Immutable, Alias("llava.TurnFinished")]
public sealed record TurnFinishedMessage(
    [property: Id(0)] FinishReason Reason,
    [property: Id(1)] int PromptTokens,
    [property: Id(2)] int CachedTokens,
    [property: Id(3)] int CompletionTokens,
    [property: Id(4)] TimingsMessage Timings) : TurnEventMessage;

/// <summary>How long the parts of a turn took in the engine.</summary>
/// <param name="Queued">From the request to its first step.</param>
/// <param name="Prefill">From its first step to its first token.</param>
/// <param name="Decode">From its first to its last token.</param>
/// <param name="Preemptions">How often it lost its KV blocks to an older turn.</param>
[GenerateSerializer, Immutable, Alias("llava.Timings")]
public sealed record TimingsMessage(
    [property: Id(0)] TimeSpan Queued,
    [property: Id(1)] TimeSpan Prefill,
    [property: Id(2)] TimeSpan Decode,
    [property: Id(3)] int Preemptions = 0)
{
    /// <summary>Not known.</summary>
    public static TimingsMessage None { get; } = new(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero);
}
