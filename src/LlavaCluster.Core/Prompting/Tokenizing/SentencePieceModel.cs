using System.Text;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>Kinds of pieces, numbered as in sentencepiece_model.proto.</summary>
internal enum PieceKind
{
    /// <summary>Text.</summary>
    Normal = 1,

    /// <summary>What cannot be expressed.</summary>
    Unknown = 2,

    /// <summary>A sign without text, such as BOS.</summary>
    Control = 3,

    /// <summary>Text that is always one piece.</summary>
    UserDefined = 4,

    /// <summary>Text that is never a result.</summary>
    Unused = 5,

    /// <summary>One byte.</summary>
    Byte = 6,
}

/// <summary>A piece of a SentencePiece model; its id is its place.</summary>
internal readonly record struct Piece(string Text, float Score, PieceKind Kind);

/// <summary>A SentencePiece model of type BPE, read from its protobuf file (sentencepiece_model.proto).</summary>
internal sealed record SentencePieceModel
{
    /// <summary>The mark that stands for a space.</summary>
    public const char Mark = '▁';

    /// <summary>All pieces, by id.</summary>
    public required IReadOnlyList<Piece> Pieces { get; init; }

    /// <summary>Characters without a piece become byte pieces.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>A space is put before the text.</summary>
    public bool AddDummyPrefix { get; init; } = true;

    /// <summary>Spaces at the ends are dropped and runs of spaces are one.</summary>
    public bool RemoveExtraWhitespaces { get; init; } = true;

    /// <summary>Spaces are written as <see cref="Mark"/>.</summary>
    public bool EscapeWhitespaces { get; init; } = true;

    /// <summary>What an unknown piece is shown as.</summary>
    public string UnknownSurface { get; init; } = " \u2047 ";

    /// <summary>
    /// The text as the model sees it (Normalizer::Normalize of SentencePiece, without a character map).
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="prefix">A dummy prefix is put before it.</param>
    /// <param name="start">Nothing stands before it: spaces there are extra.</param>
    public string Normalize(string text, bool prefix, bool start)
    {
        var space = EscapeWhitespaces ? Mark : ' ';
        if (!RemoveExtraWhitespaces)
        {
            return text.Length == 0 ? "" : (prefix ? space.ToString() : "") + text.Replace(' ', space);
        }

        var trimmed = start ? text.TrimStart(' ') : text;
        if (trimmed.Length == 0)
        {
            return "";
        }

        var normalized = new StringBuilder(prefix ? space.ToString() : "");
        var spaceBefore = start;
        foreach (var c in trimmed)
        {
            if (c != ' ' || !spaceBefore)
            {
                normalized.Append(c == ' ' ? space : c);
            }

            spaceBefore = c == ' ';
        }

        while (normalized.Length > 0 && normalized[^1] == space)
        {
            normalized.Length--;
        }

        return normalized.ToString();
    }
}
