using System.Text;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// One step on the way from tokens to text, for one text. It hands on what is decided as soon as it is, so that decoding at once and
/// decoding token by token are the same code. Before a <see cref="FuseStage"/> every push is a whole token, after it a stretch of text.
/// </summary>
internal abstract class DecodeStage(DecodeStage? next)
{
    /// <summary>The next token, or stretch of text.</summary>
    public abstract void Push(string token);

    /// <summary>The end: hands on what is held back.</summary>
    public virtual void Flush() => next?.Flush();

    /// <summary>Gives a result to the next step.</summary>
    protected void HandOn(string token) => next!.Push(token);
}

/// <summary>The last step: gathers text until it is taken.</summary>
internal sealed class TextSink() : DecodeStage(null)
{
    private readonly StringBuilder _text = new();

    /// <inheritdoc/>
    public override void Push(string token) => _text.Append(token);

    /// <summary>What came since the last call.</summary>
    public string Take()
    {
        var text = _text.ToString();
        _text.Clear();
        return text;
    }
}

/// <summary>Replaces every occurrence of a text in each token.</summary>
internal sealed class ReplaceStage(string pattern, string content, DecodeStage next) : DecodeStage(next)
{
    /// <inheritdoc/>
    public override void Push(string token) => HandOn(token.Replace(pattern, content, StringComparison.Ordinal));
}

/// <summary>All tokens are one text from here on.</summary>
internal sealed class FuseStage(DecodeStage next) : DecodeStage(next)
{
    /// <inheritdoc/>
    public override void Push(string token)
    {
        if (token.Length > 0)
        {
            HandOn(token);
        }
    }
}

/// <summary>Turns the mark back into a space; in the first token it is dropped when a prefix was added.</summary>
internal sealed class MetaspaceStage(char mark, PrefixScheme scheme, DecodeStage next) : DecodeStage(next)
{
    private bool _begun;

    /// <inheritdoc/>
    public override void Push(string token)
    {
        HandOn(token.Replace(mark.ToString(), _begun || scheme == PrefixScheme.Never ? " " : "", StringComparison.Ordinal));
        _begun = true;
    }
}

/// <summary>Puts spaces between tokens: what a tokenizer.json without a decoder does.</summary>
internal sealed class SpacedStage(DecodeStage next) : DecodeStage(next)
{
    private bool _begun;

    /// <inheritdoc/>
    public override void Push(string token)
    {
        HandOn(_begun ? " " + token : token);
        _begun = true;
    }
}

/// <summary>Removes up to so many of a character at the start and at the end of each token.</summary>
internal sealed class StripTokenStage(char content, int start, int stop, DecodeStage next) : DecodeStage(next)
{
    /// <inheritdoc/>
    public override void Push(string token)
    {
        var (from, to) = (0, token.Length);
        while (from < Math.Min(start, to) && token[from] == content)
        {
            from++;
        }

        while (to > from && token.Length - to < stop && token[to - 1] == content)
        {
            to--;
        }

        HandOn(token[from..to]);
    }
}

/// <summary>Removes up to so many of a character at the start and at the end of the whole text.</summary>
internal sealed class StripTextStage(char content, int start, int stop, DecodeStage next) : DecodeStage(next)
{
    private int _toRemove = start;
    private int _held;

    /// <inheritdoc/>
    public override void Push(string token)
    {
        var from = 0;
        while (_toRemove > 0 && from < token.Length)
        {
            _toRemove = token[from] == content ? _toRemove - 1 : 0;
            from += token[from] == content ? 1 : 0;
        }

        // The last `stop` characters, if they are the one to remove, wait until something follows.
        var text = new string(content, _held) + token[from..];
        var to = text.Length;
        while (to > 0 && text.Length - to < stop && text[to - 1] == content)
        {
            to--;
        }

        _held = text.Length - to;
        if (to > 0)
        {
            HandOn(text[..to]);
        }
    }
}
