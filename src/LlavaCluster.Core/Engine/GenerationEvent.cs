using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// What an engine tells of a sequence: once <see cref="Started"/>, then <see cref="Generated"/>, at the end <see cref="Finished"/>. The
/// events of a request's several answers come mixed.
/// </summary>
public abstract record GenerationEvent
{
    private GenerationEvent()
    {
    }

    /// <summary>Which of the request's answers it is about, from 0.</summary>
    public int Choice { get; init; }

    /// <summary>The sequence has its KV blocks.</summary>
    /// <param name="PromptTokens">Ids of the prompt, image tokens included.</param>
    /// <param name="CachedTokens">How many of them were found in the KV cache.</param>
    public sealed record Started(int PromptTokens, int CachedTokens) : GenerationEvent;

    /// <summary>Tokens that came since the last event.</summary>
    /// <param name="Offset">Number of the first of them in the turn, from 0.</param>
    /// <param name="Tokens">The tokens.</param>
    /// <param name="Text">The text that they completed: whole characters only; may be empty.</param>
    public sealed record Generated(int Offset, IReadOnlyList<SampledToken> Tokens, string Text) : GenerationEvent;

    /// <summary>The last event.</summary>
    /// <param name="Reason">Why the answer ended.</param>
    /// <param name="Text">Text that was held back and belongs to the answer.</param>
    /// <param name="Timings">How long it took.</param>
    /// <param name="End">The end-of-sequence token, where one ended the answer; it is no part of the answer.</param>
    public sealed record Finished(FinishReason Reason, string Text, TurnTimings Timings, SampledToken? End = null) : GenerationEvent;
}

/// <summary>Why an answer ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended it (end-of-sequence id) or a stop text appeared.</summary>
    Stop,

    /// <summary>The turn's limit of tokens, or the model's context, was reached.</summary>
    Length,

    /// <summary>The client or a CancelTurn ended it.</summary>
    Cancelled,

    /// <summary>The engine failed; the message is in the log.</summary>
    Failed,
}

/// <summary>How long the parts of a turn took in the engine.</summary>
/// <param name="Queued">From the request to its first step.</param>
/// <param name="Prefill">From its first step to its first token.</param>
/// <param name="Decode">From its first to its last token.</param>
/// <param name="Preemptions">How often it lost its KV blocks to an older sequence and was put back into the queue.</param>
public sealed record TurnTimings(TimeSpan Queued, TimeSpan Prefill, TimeSpan Decode, int Preemptions = 0);
