using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>What a session shows of itself. Pure.</summary>
internal static class SessionView
{
    /// <summary>The transcript and what is going on.</summary>
    public static SessionMessage Of(string session, Conversation conversation, LiveTurn? running, int maxTokens)
    {
        var tokens = conversation.Ids.Count;
        if (running is not null && conversation.Open is { } open)
        {
            tokens += open.Started.AppendedIds.Count + running.Buffer.Tokens.Count;
        }

        return new SessionMessage(
            session,
            conversation.System,
            [.. conversation.Turns.Select(turn => Of(turn, turn.Ended is null ? running : null))],
            running?.TurnId,
            tokens,
            maxTokens);
    }

    /// <summary>The events of a turn that is over.</summary>
    public static TurnBuffer Replay(string session, Conversation conversation, string turnId, string? replica)
    {
        var turn = conversation.Find(turnId)!;
        var ended = turn.Ended!;
        var prompt = turn.Started.AppendedIds.Count;
        foreach (var before in conversation.Turns.TakeWhile(other => other != turn))
        {
            prompt += before.ContextLength;
        }

        return TurnBuffer.Of(
            new TurnStartedMessage(
                session, turnId, prompt, 0, [.. turn.Started.Images.Select(span => span.Length)], replica ?? "", turn.Started.Seed),
            ended,
            new TurnFinishedMessage(ended.Reason, prompt, 0, ended.Tokens.Count, TimingsMessage.None));
    }

    private static TranscriptTurnMessage Of(ConversationTurn turn, LiveTurn? running) => new(
        turn.Started.TurnId,
        [.. turn.Started.Parts.Select(part => new TurnPartMessage(part.Text, part.Image))],
        turn.Ended?.Text ?? running?.Buffer.Text ?? "",
        turn.Ended?.Tokens.Count ?? running?.Buffer.Tokens.Count ?? 0,
        turn.Ended?.Reason,
        turn.Started.At,
        turn.Ended?.At);
}
