using System.Text;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Core.Sessions;

/// <summary>One turn of a conversation, as far as the log tells it. One thread.</summary>
public sealed class ConversationTurn(TurnStarted started)
{
    private readonly List<SampledToken> _tokens = [];
    private readonly List<int> _textLengths = [];
    private readonly StringBuilder _text = new();

    /// <summary>How it began.</summary>
    public TurnStarted Started { get; } = started;

    /// <summary>How it ended; null while it is open.</summary>
    public TurnEnded? Ended { get; private set; }

    /// <summary>Tokens of the answer.</summary>
    public IReadOnlyList<SampledToken> Tokens => _tokens;

    /// <summary>Characters of the text that came with each token.</summary>
    public IReadOnlyList<int> TextLengths => _textLengths;

    /// <summary>Text of the answer: what came with the tokens, then what came at the end.</summary>
    public string Text => _text + Tail;

    /// <summary>Text that came at the end, with no token.</summary>
    public string Tail { get; private set; } = "";

    /// <summary>Ids that it adds to what the model sees in later turns; a turn that failed, or is not over, adds none.</summary>
    public int ContextLength => Ended is null or { Reason: FinishReason.Failed } ? 0 : Started.AppendedIds.Count + _tokens.Count;

    /// <summary>More tokens.</summary>
    /// <exception cref="InvalidDataException">The lengths do not fit tokens and text.</exception>
    internal void Take(IReadOnlyList<SampledToken> tokens, string text, IReadOnlyList<int> textLengths)
    {
        if (textLengths.Count != tokens.Count || textLengths.Any(length => length < 0) || textLengths.Sum() > text.Length)
        {
            throw new InvalidDataException(
                $"Turn {Started.TurnId}: {tokens.Count} tokens came with {textLengths.Count} lengths, {textLengths.Sum()} of {text.Length} characters.");
        }

        _tokens.AddRange(tokens);
        _textLengths.AddRange(textLengths);
        _text.Append(text);
    }

    /// <summary>The end.</summary>
    internal void End(TurnEnded ended)
    {
        var lengths = ended.TextLengths ?? [.. Enumerable.Repeat(0, ended.Tokens.Count)];
        var withTokens = Math.Clamp(lengths.Sum(), 0, ended.Text.Length);
        Take(ended.Tokens, ended.Text[..withTokens], lengths);
        (Ended, Tail) = (ended, ended.Text[withTokens..]);
    }

    /// <summary>It is open again; what came at its end, with no token, comes again.</summary>
    internal void Resume() => (Ended, Tail) = (null, "");
}
