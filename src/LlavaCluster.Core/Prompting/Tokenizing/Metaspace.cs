namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>Where a <see cref="Metaspace"/> puts its mark before a text.</summary>
internal enum PrefixScheme
{
    /// <summary>Before every stretch between added tokens.</summary>
    Always,

    /// <summary>Before a text that does not begin with an added token.</summary>
    First,

    /// <summary>Nowhere.</summary>
    Never,
}

/// <summary>A tokenizer.json's pre-tokenizer that writes spaces as a visible mark and may split the text at them.</summary>
internal sealed record Metaspace(char Mark, PrefixScheme Scheme, bool Split)
{
    /// <summary>The text with marks, in the pieces that the model sees one by one.</summary>
    public IEnumerable<ReadOnlyMemory<char>> Apply(string text, TextPosition position)
    {
        text = text.Replace(' ', Mark);
        var prefix = Scheme switch
        {
            PrefixScheme.Always => position != TextPosition.Continuation,
            PrefixScheme.First => position == TextPosition.Start,
            _ => false,
        };
        if (prefix && text.Length > 0 && text[0] != Mark)
        {
            text = Mark + text;
        }

        for (var start = 0; start < text.Length;)
        {
            var next = Split ? text.IndexOf(Mark, start + 1) : -1;
            next = next < 0 ? text.Length : next;
            yield return text.AsMemory(start, next - start);
            start = next;
        }
    }
}
