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

    /// <summary>Fills a buffer with the events of a turn that is over.</summary>
    public static void Replay(TurnBuffer buffer, string session, Conversation conversation, ConversationTurn turn, string? replica)
    {
        var prompt = turn.Started.AppendedIds.Count;
        foreach (var before in conversation.Turns.TakeWhile(other => other != turn))
        {
            prompt += before.ContextLength;
        }

        buffer.Restore(turn);
        buffer.Start(new TurnStartedMessage(
            session, turn.Started.TurnId, prompt, 0, [.. turn.Started.Images.Select(span => span.Length)], replica ?? "", turn.Started.Seed));
        buffer.Finish(turn.Tail, new TurnFinishedMessage(turn.Ended!.Reason, prompt, 0, turn.Tokens.Count, TimingsMessage.None));
    }

    private static TranscriptTurnMessage Of(ConversationTurn turn, LiveTurn? running) => new(
        turn.Started.TurnId,
        [.. turn.Started.Parts.Select(part => new TurnPartMessage(part.Text, part.Image))],
        running?.Buffer.Text ?? turn.Text,
        running?.Buffer.Tokens.Count ?? turn.Tokens.Count,
        turn.Ended?.Reason,
        turn.Started.At,
        turn.Ended?.At);
}
