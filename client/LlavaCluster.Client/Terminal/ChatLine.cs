namespace LlavaCluster.Client.Terminal;

/// <summary>What a person typed at the chat's prompt.</summary>
internal abstract record ChatLine
{
    private ChatLine()
    {
    }

    /// <summary>Nothing.</summary>
    public sealed record Nothing : ChatLine;

    /// <summary>A command of the chat itself, such as <c>/image PATH</c>.</summary>
    /// <param name="Name">Lower case, without the slash.</param>
    /// <param name="Rest">What follows, trimmed.</param>
    public sealed record Command(string Name, string Rest) : ChatLine;

    /// <summary>A message, with the images whose paths stood at its start.</summary>
    public sealed record Message(IReadOnlyList<string> Images, string Text) : ChatLine;

    /// <summary>
    /// Reads a line. Paths count as images only while such files exist; a slash that starts a path is no command.
    /// </summary>
    public static ChatLine Parse(string line, Func<string, bool> fileExists)
    {
        var rest = line.Trim();
        var images = new List<string>();
        while (FirstWord(rest) is { Length: > 0 } word && LooksLikeImage(word) && fileExists(Unquoted(word)))
        {
            images.Add(Unquoted(word));
            rest = rest[word.Length..].TrimStart();
        }

        if (images.Count > 0)
        {
            return new Message(images, rest);
        }

        if (rest.Length == 0)
        {
            return new Nothing();
        }

        if (rest[0] != '/')
        {
            return new Message([], rest);
        }

        var name = FirstWord(rest);
        return new Command(name[1..].ToLowerInvariant(), rest[name.Length..].Trim());
    }

    /// <summary>A path without the quotes that terminals put around dropped files.</summary>
    public static string Unquoted(string word) =>
        word.Length >= 2 && word[0] is '"' or '\'' && word[^1] == word[0] ? word[1..^1] : word;

    private static bool LooksLikeImage(string word) =>
        Path.GetExtension(Unquoted(word)).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg" or ".webp" or ".gif" or ".bmp";

    private static string FirstWord(string text)
    {
        if (text.Length > 0 && text[0] is '"' or '\'')
        {
            var close = text.IndexOf(text[0], 1);
            return close > 0 ? text[..(close + 1)] : text;
        }

        var end = text.IndexOfAny([' ', '\t']);
        return end < 0 ? text : text[..end];
    }
}
