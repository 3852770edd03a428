using System.Text.Json.Serialization;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Core.Sessions;

/// <summary>One entry of a session's log.</summary>
[JsonDerivedType(typeof(TurnStarted), "started")]
[JsonDerivedType(typeof(TurnTokens), "tokens")]
[JsonDerivedType(typeof(TurnEnded), "ended")]
[JsonDerivedType(typeof(TurnResumed), "resumed")]
[JsonDerivedType(typeof(SessionDeleted), "deleted")]
public abstract record TurnLogEntry;

/// <summary>A turn was accepted; written before generation.</summary>
/// <param name="TurnId">Id that the client chose.</param>
/// <param name="Parts">What the user sent.</param>
/// <param name="System">System message of the conversation; first turn only.</param>
/// <param name="AppendedIds">Ids that this turn appends to the conversation before its answer.</param>
/// <param name="Images">Images among them; offsets count from the start of the whole conversation.</param>
/// <param name="Sampling">The turn's sampling options.</param>
/// <param name="Seed">Seed of the turn.</param>
/// <param name="MaxTokens">The turn's limit.</param>
/// <param name="At">When.</param>
/// <param name="Replica">Replica that took it, and has the conversation's KV from then on; null: not known.</param>
public sealed record TurnStarted(
    string TurnId,
    IReadOnlyList<TurnPart> Parts,
    string? System,
    IReadOnlyList<int> AppendedIds,
    IReadOnlyList<ImageSpan> Images,
    SamplingOptions Sampling,
    ulong Seed,
    int MaxTokens,
    DateTimeOffset At,
    string? Replica = null) : TurnLogEntry;

/// <summary>More tokens of an open turn's answer; written in groups while they stream.</summary>
/// <param name="TurnId">Id that the client chose.</param>
/// <param name="Offset">Number of the first of them in the turn, from 0.</param>
/// <param name="Tokens">The tokens.</param>
/// <param name="Text">Text that came with them.</param>
/// <param name="TextLengths">Characters of the text that came with each token.</param>
public sealed record TurnTokens(
    string TurnId, int Offset, IReadOnlyList<SampledToken> Tokens, string Text, IReadOnlyList<int> TextLengths) : TurnLogEntry;

/// <summary>A turn came to its end.</summary>
/// <param name="TurnId">Id that the client chose.</param>
/// <param name="Tokens">The answer's tokens behind those that were written before.</param>
/// <param name="Text">The answer's text behind that of the tokens written before.</param>
/// <param name="Reason">Why it ended.</param>
/// <param name="At">When.</param>
/// <param name="TextLengths">Characters of the text that came with each token; the rest came at the end. Null: all at the end.</param>
/// <param name="IsAbandoned">It was cancelled because nobody listened any more: who asks for it again goes on with it.</param>
public sealed record TurnEnded(
    string TurnId,
    IReadOnlyList<SampledToken> Tokens,
    string Text,
    FinishReason Reason,
    DateTimeOffset At,
    IReadOnlyList<int>? TextLengths = null,
    bool IsAbandoned = false) : TurnLogEntry;

/// <summary>The last turn, which was abandoned, is open again.</summary>
/// <param name="TurnId">Id that the client chose.</param>
/// <param name="At">When.</param>
public sealed record TurnResumed(string TurnId, DateTimeOffset At) : TurnLogEntry;

/// <summary>The session is deleted; nothing may follow. The log itself goes once all else is gone, so a deletion that was cut off is finished.</summary>
/// <param name="At">When.</param>
public sealed record SessionDeleted(DateTimeOffset At) : TurnLogEntry;

/// <summary>A part of a user's message: a text or an image.</summary>
/// <param name="Text">The text, or null.</param>
/// <param name="Image">64 hexadecimal digits of the image's hash, or null.</param>
public sealed record TurnPart(string? Text, string? Image);
