using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Prompting;

namespace LlavaCluster.Core.Sessions;

/// <summary>What a turn id means to a conversation.</summary>
public enum TurnStanding
{
    /// <summary>Not seen yet.</summary>
    New,

    /// <summary>Accepted, and not over: it runs, or it was cut off or abandoned and goes on when it is asked for.</summary>
    Open,

    /// <summary>Over: it can be replayed.</summary>
    Ended,

    /// <summary>The id was used for something else.</summary>
    Conflict,
}

/// <summary>
/// A conversation as its log tells it: turns in order, at most one of them open, and the ids that the model has seen. It changes only by
/// <see cref="Apply"/>. Ids are never made from text again: an answer stays as it was generated. A turn that failed stays in the
/// transcript, but the model does not see it. One thread.
/// </summary>
public sealed class Conversation
{
    private readonly List<ConversationTurn> _turns = [];
    private readonly List<int> _ids = [];
    private readonly List<ImageSpan> _images = [];

    /// <summary>From the entries of a log, oldest first.</summary>
    /// <exception cref="InvalidDataException">The entries contradict each other.</exception>
    public static Conversation From(IEnumerable<TurnLogEntry> entries)
    {
        var conversation = new Conversation();
        foreach (var entry in entries)
        {
            conversation.Apply(entry);
        }

        return conversation;
    }

    /// <summary>Turns, oldest first.</summary>
    public IReadOnlyList<ConversationTurn> Turns => _turns;

    /// <summary>Entries of the log.</summary>
    public int LogLength { get; private set; }

    /// <summary>System message, or null.</summary>
    public string? System { get; private set; }

    /// <summary>Ids of all turns that are over, answers included; no end-of-sequence id.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>Images among <see cref="Ids"/>.</summary>
    public IReadOnlyList<ImageSpan> Images => _images;

    /// <summary>The session is deleted.</summary>
    public bool IsDeleted { get; private set; }

    /// <summary>When the last entry but tokens was written; null: there is none.</summary>
    public DateTimeOffset? UsedAt { get; private set; }

    /// <summary>The turn that is not over, or null.</summary>
    public ConversationTurn? Open => _turns.Count > 0 && _turns[^1].Ended is null ? _turns[^1] : null;

    /// <summary>The last turn, when it was abandoned and may go on; or null.</summary>
    public ConversationTurn? Abandoned => _turns.Count > 0 && _turns[^1].Ended is { IsAbandoned: true } ? _turns[^1] : null;

    /// <summary>
    /// Every row of ids that an engine may have seen: with each turn that failed or is open, and last the whole conversation. Images are
    /// those among them.
    /// </summary>
    public IEnumerable<(IReadOnlyList<int> Ids, IReadOnlyList<ImageSpan> Images)> Computed()
    {
        var (ids, images) = (0, 0);
        foreach (var turn in _turns)
        {
            if (turn.ContextLength == 0)
            {
                yield return (
                    [.. _ids.Take(ids), .. turn.Started.AppendedIds, .. turn.Tokens.Select(token => token.Id)],
                    [.. _images.Take(images), .. turn.Started.Images]);
                continue;
            }

            ids += turn.ContextLength;
            images += turn.Started.Images.Count;
        }

        yield return (_ids, _images);
    }

    /// <summary>A turn by its id, or null.</summary>
    public ConversationTurn? Find(string turnId) => _turns.Find(turn => turn.Started.TurnId == turnId);

    /// <summary>What this id with this content means.</summary>
    public TurnStanding Stand(string turnId, TurnContent content)
    {
        if (Find(turnId) is not { } turn)
        {
            return TurnStanding.New;
        }

        if (!TurnContent.Of(turn.Started).IsSameAs(content))
        {
            return TurnStanding.Conflict;
        }

        return turn.Ended is null || turn == Abandoned ? TurnStanding.Open : TurnStanding.Ended;
    }

    /// <summary>The ids that a new turn appends to <see cref="Ids"/>.</summary>
    /// <param name="prompts">The checkpoint's prompts.</param>
    /// <param name="system">System message for a conversation that has none yet.</param>
    /// <param name="parts">What the user sent.</param>
    /// <param name="imageTokens">Tokens of each image among them.</param>
    public Prompt Compose(IPromptBuilder prompts, string? system, IReadOnlyList<TurnPart> parts, IReadOnlyList<int> imageTokens)
    {
        var user = new ChatMessage(
            ChatRole.User, [.. parts.Select(part => part.Image is null ? (ChatPart)new ChatPart.Text(part.Text ?? "") : new ChatPart.Image())]);
        if (_ids.Count > 0)
        {
            return prompts.NextTurn(user, imageTokens);
        }

        return prompts.Conversation(
            (System ?? system) is { } instructions ? [ChatMessage.Of(ChatRole.System, instructions), user] : [user], imageTokens);
    }

    /// <summary>Takes an entry that is in the log now.</summary>
    /// <exception cref="InvalidDataException">It does not follow from what was there.</exception>
    public void Apply(TurnLogEntry entry)
    {
        switch (entry)
        {
            case TurnStarted started when !IsDeleted && Open is null && Find(started.TurnId) is null:
                System ??= started.System;
                _turns.Add(new ConversationTurn(started));
                UsedAt = started.At;
                break;
            case TurnTokens tokens when Open is { } open && open.Started.TurnId == tokens.TurnId && open.Tokens.Count == tokens.Offset:
                open.Take(tokens.Tokens, tokens.Text, tokens.TextLengths);
                break;
            case TurnEnded ended when Open is { } open && open.Started.TurnId == ended.TurnId:
                open.End(ended);
                UsedAt = ended.At;
                Keep(open);
                break;
            case TurnResumed resumed when Abandoned is { } abandoned && abandoned.Started.TurnId == resumed.TurnId:
                TakeBack(abandoned);
                abandoned.Resume();
                UsedAt = resumed.At;
                break;
            case SessionDeleted deleted when Open is null:
                (IsDeleted, UsedAt) = (true, deleted.At);
                break;
            default:
                throw new InvalidDataException(
                    $"Entry {LogLength} of a session's log ({entry.GetType().Name}) does not follow from the {LogLength} before it.");
        }

        LogLength++;
    }

    /// <summary>What a turn that is over adds to what the model sees.</summary>
    private void Keep(ConversationTurn turn)
    {
        if (turn.ContextLength > 0)
        {
            _ids.AddRange(turn.Started.AppendedIds);
            _ids.AddRange(turn.Tokens.Select(token => token.Id));
            _images.AddRange(turn.Started.Images);
        }
    }

    /// <summary>Undoes <see cref="Keep"/> for the last turn.</summary>
    private void TakeBack(ConversationTurn turn)
    {
        if (turn.ContextLength > 0)
        {
            _ids.RemoveRange(_ids.Count - turn.ContextLength, turn.ContextLength);
            _images.RemoveRange(_images.Count - turn.Started.Images.Count, turn.Started.Images.Count);
        }
    }
}
