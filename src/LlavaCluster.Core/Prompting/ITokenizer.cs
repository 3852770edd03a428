namespace LlavaCluster.Core.Prompting;

/// <summary>Where a text stands in the conversation; it decides about the prefix space that a tokenizer may add.</summary>
public enum TextPosition
{
    /// <summary>At the very start.</summary>
    Start,

    /// <summary>Right after a special token or an image.</summary>
    AfterSpecial,

    /// <summary>Right after other text, or after generated ids: no prefix is ever added.</summary>
    Continuation,
}

/// <summary>Words to ids and back, by the checkpoint's own files. Immutable: any thread, several at once.</summary>
public interface ITokenizer
{
    /// <summary>Ids, added tokens included, are 0 … this − 1.</summary>
    int VocabularySize { get; }

    /// <summary>Id at the start of every conversation, or null when the checkpoint has none.</summary>
    int? BosId { get; }

    /// <summary>The id of a special (added) token by its exact text, or null.</summary>
    int? FindSpecial(string token);

    /// <summary>True for ids that are left out of text meant for people.</summary>
    bool IsSpecial(int id);

    /// <summary>Ids of plain text: nothing in it becomes a special id, whatever it looks like. Linear time.</summary>
    IReadOnlyList<int> EncodePlain(ReadOnlySpan<char> text, TextPosition position);

    /// <summary>
    /// Ids of a text in which added tokens are recognised, with BOS when <paramref name="bos"/> and the checkpoint say so: what
    /// the reference tokenizer does with a string. For templates, tables and <c>inspect</c>; never for a user's words.
    /// </summary>
    IReadOnlyList<int> Encode(string text, bool bos);

    /// <summary>
    /// Ids of a rendered conversation, without BOS. Added tokens are recognised in what the template wrote and nowhere else; all text
    /// between two of them is one run, so that merges go over the border of template and words as in the reference, which tokenizes
    /// the whole string.
    /// </summary>
    /// <param name="pieces">The conversation, or a part of it, in order.</param>
    /// <param name="position">Where the first piece stands.</param>
    IReadOnlyList<int> EncodeRendered(IReadOnlyList<RenderedPiece> pieces, TextPosition position) =>
        EncodePlain(string.Concat(pieces.Select(p => p.Text)), position);

    /// <summary>The text of these ids, all at once.</summary>
    string Decode(IReadOnlyList<int> ids, bool skipSpecial);

    /// <summary>A decoder for one answer that gives text as ids arrive, whole characters only, special tokens left out.</summary>
    ITokenStreamDecoder CreateStreamDecoder();
}

/// <summary>Decodes one answer id by id. One thread.</summary>
public interface ITokenStreamDecoder
{
    /// <summary>The text that is complete with this id; may be empty.</summary>
    string Push(int id);

    /// <summary>What is left at the end. All texts together equal <see cref="ITokenizer.Decode"/> of all ids.</summary>
    string Flush();
}
