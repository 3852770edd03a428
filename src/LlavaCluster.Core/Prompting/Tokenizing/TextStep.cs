namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>One step of a tokenizer.json's normaliser. Immutable.</summary>
internal abstract record TextStep
{
    private TextStep()
    {
    }

    /// <summary>The text after this step.</summary>
    /// <param name="text">The text before it.</param>
    /// <param name="prefix">Whether a prefix may be added: not where the text goes on from other text.</param>
    public abstract string Apply(string text, bool prefix);

    /// <summary>Puts a text before what is not empty.</summary>
    public sealed record Prepend(string Prefix) : TextStep
    {
        /// <inheritdoc/>
        public override string Apply(string text, bool prefix) => prefix && text.Length > 0 ? Prefix + text : text;
    }

    /// <summary>Replaces every occurrence.</summary>
    public sealed record Replace(string Pattern, string Content) : TextStep
    {
        /// <inheritdoc/>
        public override string Apply(string text, bool prefix) => text.Replace(Pattern, Content, StringComparison.Ordinal);
    }

    /// <summary>Removes white space at the ends.</summary>
    public sealed record Strip(bool Left, bool Right) : TextStep
    {
        /// <inheritdoc/>
        public override string Apply(string text, bool prefix)
        {
            text = Left && prefix ? text.TrimStart() : text;
            return Right ? text.TrimEnd() : text;
        }
    }
}
