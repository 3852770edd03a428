using System.Buffers;
using System.Globalization;
using System.Text;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>A stretch of a text: an added token with what it stripped, or text between them.</summary>
internal readonly record struct TextCut(int Start, int Length, AddedToken? Token);

/// <summary>
/// Cuts added tokens out of a text: from left to right, the longest that begins at a place, as the tokenizers library does. Time is
/// linear in the text, times the length of the longest token.
/// </summary>
internal sealed class AddedTokenCutter
{
    private readonly Node _root = new();

    /// <param name="tokens">The tokens and the text under which each is found.</param>
    public AddedTokenCutter(IEnumerable<(string Text, AddedToken Token)> tokens)
    {
        foreach (var (text, token) in tokens.Where(t => t.Text.Length > 0))
        {
            var node = _root;
            foreach (var c in text)
            {
                if (!node.Next.TryGetValue(c, out var next))
                {
                    node.Next[c] = next = new Node();
                }

                node = next;
            }

            node.Token = token;
        }
    }

    /// <summary>All of the text, in order; no stretch is empty.</summary>
    public List<TextCut> Cut(string text) => Cut(text, [(0, text.Length)]);

    /// <summary>All of the text, in order, where tokens are looked for only within the given ranges (ascending, apart).</summary>
    public List<TextCut> Cut(string text, IReadOnlyList<(int Start, int End)> ranges)
    {
        var cuts = new List<TextCut>();
        var done = 0;
        foreach (var (start, end) in ranges)
        {
            for (var at = Math.Max(start, done); at < end;)
            {
                var (token, length) = Longest(text.AsSpan(at, end - at));
                if (token is null || (token.SingleWord && !StandsAlone(text, at, length)))
                {
                    // A rejected match is passed over whole, like the library's.
                    at += token is null ? 1 : length;
                    continue;
                }

                var (from, to) = (Math.Max(at, done), at + length);
                while (token.StripLeft && from > done && char.IsWhiteSpace(text[from - 1]))
                {
                    from--;
                }

                while (token.StripRight && to < text.Length && char.IsWhiteSpace(text[to]))
                {
                    to++;
                }

                if (from > done)
                {
                    cuts.Add(new TextCut(done, from - done, null));
                }

                cuts.Add(new TextCut(from, to - from, token));
                (done, at) = (to, to);
            }
        }

        if (done < text.Length)
        {
            cuts.Add(new TextCut(done, text.Length - done, null));
        }

        return cuts;
    }

    private (AddedToken? Token, int Length) Longest(ReadOnlySpan<char> text)
    {
        var (node, token, length) = (_root, (AddedToken?)null, 0);
        for (var i = 0; i < text.Length && node.Next.TryGetValue(text[i], out var next); i++)
        {
            node = next;
            if (node.Token is not null)
            {
                (token, length) = (node.Token, i + 1);
            }
        }

        return (token, length);
    }

    private static bool StandsAlone(string text, int at, int length)
    {
        var before = at > 0 && Rune.DecodeLastFromUtf16(text.AsSpan(0, at), out var left, out _) == OperationStatus.Done && IsWord(left);
        var after = at + length < text.Length
            && Rune.DecodeFromUtf16(text.AsSpan(at + length), out var right, out _) == OperationStatus.Done && IsWord(right);
        return !before && !after;
    }

    /// <summary>\w: letters, marks, digits, connectors.</summary>
    private static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
        or UnicodeCategory.ConnectorPunctuation or UnicodeCategory.LetterNumber;

    private sealed class Node
    {
        public Dictionary<char, Node> Next { get; } = [];

        public AddedToken? Token { get; set; }
    }
}
