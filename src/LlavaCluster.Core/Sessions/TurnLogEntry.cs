using System.Text.Json.Serialization;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Core.Sessions;

/// <summary>One entry of a session's log.</summary>
[JsonDerivedType(typeof(TurnStarted), "started")]
[JsonDerivedType(typeof(TurnEnded), "ended")]
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
public sealed record TurnStarted(
    string TurnId,
    IReadOnlyList<TurnPart> Parts,
    string? System,
    IReadOnlyList<int> AppendedIds,
    IReadOnlyList<ImageSpan> Images,
    SamplingOptions Sampling,
    ulong Seed,
    int MaxTokens,
    DateTimeOffset At) : TurnLogEntry;

/// <summary>A turn came to its end.</summary>
/// <param name="TurnId">Id that the client chose.</param>
/// <param name="Tokens">The answer's tokens.</param>
/// <param name="Text">The answer's text.</param>
/// <param name="Reason">Why it ended.</param>
/// <param name="At">When.</param>
/// <param name="TextLengths">Characters of the text that came with each token; the rest came at the end. Null: all at the end.</param>
public sealed record TurnEnded(
    string TurnId,
    IReadOnlyList<SampledToken> Tokens,
    string Text,
    FinishReason Reason,
    DateTimeOffset At,
    IReadOnlyList<int>? TextLengths = null) : TurnLogEntry;

/// <summary>A part of a user's message: a text or an image.</summary>
/// <param name="Text">The text, or null.</param>
/// <param name="Image">64 hexadecimal digits of the image's hash, or null.</param>
public sealed record TurnPart(string? Text, string? Image);
