using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Prompting;

namespace LlavaCluster.Core.Sessions;

/// <summary>What a turn id means to a conversation.</summary>
public enum TurnStanding
{
    /// <summary>Not seen yet.</summary>
    New,

    /// <summary>Accepted, and not over: it runs, or its run was cut off and can be done again.</summary>
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

    /// <summary>The turn that is not over, or null.</summary>
    public ConversationTurn? Open => _turns.Count > 0 && _turns[^1].Ended is null ? _turns[^1] : null;

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

        return turn.Ended is null ? TurnStanding.Open : TurnStanding.Ended;
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
            case TurnStarted started when Open is null && Find(started.TurnId) is null:
                System ??= started.System;
                _turns.Add(new ConversationTurn(started));
                break;
            case TurnEnded ended when Open is { } open && open.Started.TurnId == ended.TurnId:
                open.Ended = ended;
                if (ended.Reason != FinishReason.Failed)
                {
                    _ids.AddRange(open.Started.AppendedIds);
                    _ids.AddRange(ended.Tokens.Select(token => token.Id));
                    _images.AddRange(open.Started.Images);
                }

                break;
            default:
                throw new InvalidDataException(
                    $"Entry {LogLength} of a session's log ({entry.GetType().Name}) does not follow from the {LogLength} before it.");
        }

        LogLength++;
    }
}

/// <summary>One turn of a conversation.</summary>
public sealed class ConversationTurn(TurnStarted started)
{
    /// <summary>How it began.</summary>
    public TurnStarted Started { get; } = started;

    /// <summary>How it ended; null while it is open.</summary>
    public TurnEnded? Ended { get; internal set; }

    /// <summary>Ids that it adds to what the model sees in later turns; a turn that failed, or is not over, adds none.</summary>
    public int ContextLength => Ended is null or { Reason: FinishReason.Failed } ? 0 : Started.AppendedIds.Count + Ended.Tokens.Count;
}
