using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Prompting;

/// <summary>
/// Decides for one sequence what of its text may be shown and when it ends: at an end-of-sequence id, before a stop text, or at its
/// limit of tokens. Text that may be the beginning of a stop text waits until that is decided. Of several stop texts the one that is
/// complete first counts, of those that end together the longest. One thread. Time is linear in the text.
/// </summary>
public sealed class StopRule
{
    private readonly HashSet<int> _eosIds;
    private readonly StopTextMatcher _matcher;
    private readonly int _maxTokens;
    private readonly ITokenStreamDecoder _decoder;
    private int _tokens;

    /// <param name="eosIds">Ids that end the answer; they have no text.</param>
    /// <param name="stopTexts">Texts that end the answer; they and what follows are not part of it.</param>
    /// <param name="maxTokens">Most tokens, an end-of-sequence id included.</param>
    /// <param name="decoder">Decoder of this sequence; the rule alone feeds it.</param>
    /// <exception cref="ArgumentException">An empty stop text.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A limit below 1.</exception>
    public StopRule(IReadOnlyCollection<int> eosIds, IReadOnlyList<string> stopTexts, int maxTokens, ITokenStreamDecoder decoder)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        (_eosIds, _maxTokens, _decoder) = ([.. eosIds], maxTokens, decoder);
        _matcher = new StopTextMatcher(stopTexts);
    }

    /// <summary>Why the answer ended, or null while it goes on.</summary>
    public FinishReason? Reason { get; private set; }

    /// <summary>Takes the next token.</summary>
    /// <exception cref="InvalidOperationException">The answer has ended.</exception>
    public StopDecision Push(int id)
    {
        if (Reason is { } ended)
        {
            throw new InvalidOperationException($"The answer ended ({ended}) after {_tokens} tokens; token {id} cannot follow.");
        }

        _tokens++;
        var isEos = _eosIds.Contains(id);
        var text = isEos ? "" : _matcher.Push(_decoder.Push(id));
        if (_matcher.Found)
        {
            Reason = FinishReason.Stop;
        }
        else if (isEos || _tokens == _maxTokens)
        {
            text += End();
            Reason = isEos || _matcher.Found ? FinishReason.Stop : FinishReason.Length;
        }

        return new StopDecision(text, Reason);
    }

    /// <summary>
    /// What is held back, for an answer that is ended from outside (cancelled); empty after a <see cref="Push"/> that gave a reason.
    /// </summary>
    public string Flush()
    {
        if (Reason is not null)
        {
            return "";
        }

        Reason = FinishReason.Cancelled;
        return End();
    }

    private string End()
    {
        var text = _matcher.Push(_decoder.Flush());
        return _matcher.Found ? text : text + _matcher.Flush();
    }
}
