namespace LlavaCluster.Client.Load;

/// <summary>What came of one turn, as the client saw it.</summary>
/// <param name="Number">Number of the turn in its session, from 0.</param>
/// <param name="HasImage">The session has a picture.</param>
internal sealed record TurnRecord(int Number, bool HasImage)
{
    /// <summary>From the call to its first token; null: none came.</summary>
    public TimeSpan? FirstToken { get; set; }

    /// <summary>From the first to the last token.</summary>
    public TimeSpan Decode { get; set; }

    /// <summary>Times between two messages with tokens.</summary>
    public List<TimeSpan> Gaps { get; } = [];

    /// <summary>Tokens of the answer.</summary>
    public int Tokens { get; set; }

    /// <summary>Tokens of the conversation up to the answer.</summary>
    public int PromptTokens { get; set; }

    /// <summary>How many of them were in the KV cache.</summary>
    public int CachedTokens { get; set; }

    /// <summary>How many tokens were in the KV cache when WarmSession was called before; null: it was not, or failed.</summary>
    public int? Warmed { get; set; }

    /// <summary>How long the turn waited in the engine's queue, as the server says.</summary>
    public TimeSpan Queued { get; set; }

    /// <summary>How long its prompt took, as the server says.</summary>
    public TimeSpan Prefill { get; set; }

    /// <summary>Why it failed; null: it did not.</summary>
    public string? Error { get; set; }

    /// <summary>Mean time per token behind the first; null for an answer of one.</summary>
    public TimeSpan? PerToken => Tokens > 1 ? Decode / (Tokens - 1) : null;
}
