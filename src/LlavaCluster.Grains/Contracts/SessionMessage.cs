using LlavaCluster.Core.Engine;

namespace LlavaCluster.Grains.Contracts;

/// <summary>A conversation as it stands.</summary>
/// <param name="Session">Its id.</param>
/// <param name="System">System message, or null.</param>
/// <param name="Turns">Its turns, oldest first; the last one may be running.</param>
/// <param name="RunningTurn">Id of the turn that is being answered, or null.</param>
/// <param name="Tokens">Tokens of the conversation so far, answers included.</param>
/// <param name="MaxTokens">Tokens that the model's context holds.</param>
[GenerateSerializer, Immutable, Alias("llava.Session")]
public sealed record SessionMessage(
    [property: Id(0)] string Session,
    [property: Id(1)] string? System,
    [property: Id(2)] IReadOnlyList<TranscriptTurnMessage> Turns,
    [property: Id(3)] string? RunningTurn,
    [property: Id(4)] int Tokens,
    [property: Id(5)] int MaxTokens);

/// <summary>One turn of a transcript.</summary>
/// <param name="TurnId">Its id.</param>
/// <param name="Parts">What the user sent.</param>
/// <param name="Answer">The answer's text so far.</param>
/// <param name="AnswerTokens">Tokens of the answer so far.</param>
/// <param name="Reason">Why it ended; null while it is not over.</param>
/// <param name="StartedAt">When it was accepted.</param>
/// <param name="EndedAt">When it ended; null while it is not over.</param>
[GenerateSerializer, Immutable, Alias("llava.TranscriptTurn")]
public sealed record TranscriptTurnMessage(
    [property: Id(0)] string TurnId,
    [property: Id(1)] IReadOnlyList<TurnPartMessage> Parts,
    [property: Id(2)] string Answer,
    [property: Id(3)] int AnswerTokens,
    [property: Id(4)] FinishReason? Reason,
    [property: Id(5)] DateTimeOffset StartedAt,
    [property: Id(6)] DateTimeOffset? EndedAt);
