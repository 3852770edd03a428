using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Prompting;

/// <summary>
/// Decides for one sequence what of its text may be shown and when it ends: at an end-of-sequence id, or before a stop text. Text that
/// may be the beginning of a stop text waits until that is decided. Of several stop texts the one that is complete first counts, of
/// those that end together the longest. The limit of tokens is the engine's. One thread. Time is linear in the text.
/// </summary>
public sealed class StopRule : IStopRule
{
    private readonly HashSet<int> _eosIds;
    private readonly StopTextMatcher _matcher;
    private readonly ITokenStreamDecoder _decoder;
    private bool _ended;

    /// <param name="eosIds">Ids that end the answer; they have no text.</param>
    /// <param name="stopTexts">Texts that end the answer; they and what follows are not part of it.</param>
    /// <param name="decoder">Decoder of this sequence; the rule alone feeds it.</param>
    /// <exception cref="ArgumentException">An empty stop text.</exception>
    public StopRule(IReadOnlyCollection<int> eosIds, IReadOnlyList<string> stopTexts, ITokenStreamDecoder decoder)
    {
        (_eosIds, _decoder) = ([.. eosIds], decoder);
        _matcher = new StopTextMatcher(stopTexts);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The answer has ended.</exception>
    public StopVerdict Push(int id)
    {
        if (_ended || _matcher.Found)
        {
            throw new InvalidOperationException($"The answer has ended; token {id} cannot follow.");
        }

        if (_eosIds.Contains(id))
        {
            // What waits is given here, so that a stop text that only the end completes is still left out.
            return new StopVerdict(Flush(), StopOutcome.EndOfSequence);
        }

        var text = _matcher.Push(_decoder.Push(id));
        return new StopVerdict(text, _matcher.Found ? StopOutcome.StopText : StopOutcome.GoesOn);
    }

    /// <inheritdoc/>
    public string Flush()
    {
        if (_ended || _matcher.Found)
        {
            return "";
        }

        _ended = true;
        var text = _matcher.Push(_decoder.Flush());
        return _matcher.Found ? text : text + _matcher.Flush();
    }
}
