namespace LlavaCluster.Core.Prompting.Tokenizing;

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
