using System.Text;
using LlavaCluster.Core.Checkpoint;

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

    /// <summary>Reads a tokenizer.model.</summary>
    /// <exception cref="BadCheckpointException">Damaged, or of a kind that is not known.</exception>
    public static SentencePieceModel Read(string file)
    {
        try
        {
            return Parse(File.ReadAllBytes(file), what => new BadCheckpointException($"{file}: {what}."));
        }
        catch (FormatException e)
        {
            throw new BadCheckpointException($"{file} is not a SentencePiece model: {e.Message}.", e);
        }
    }

    private static SentencePieceModel Parse(ReadOnlySpan<byte> bytes, Func<string, Exception> refuse)
    {
        var pieces = new List<Piece>();
        var model = new SentencePieceModel { Pieces = pieces };
        var type = 1;
        var reader = new ProtobufReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1:
                    pieces.Add(ParsePiece(reader.Bytes));
                    break;
                case 2:
                    model = ParseTrainer(reader.Bytes, model, ref type, refuse);
                    break;
                case 3:
                    model = ParseNormalizer(reader.Bytes, model, refuse);
                    break;
            }
        }

        return pieces.Count == 0 ? throw refuse("a SentencePiece model without pieces")
            : type != 2 ? throw refuse($"a SentencePiece model of type {TypeName(type)} is not known; this program reads BPE")
            : pieces.FindIndex(p => p.Kind == PieceKind.Unused) is >= 0 and var unused
                ? throw refuse($"piece {unused:N0} \"{pieces[unused].Text}\" is of kind UNUSED, which is not known")
            : model;
    }

    private static Piece ParsePiece(ReadOnlySpan<byte> bytes)
    {
        var (text, score, kind) = ("", 0f, PieceKind.Normal);
        var reader = new ProtobufReader(bytes);
        while (reader.TryNext())
        {
            text = reader.Field == 1 ? reader.Text : text;
            score = reader.Field == 2 ? reader.Single : score;
            kind = reader.Field == 3 ? (PieceKind)reader.Integer : kind;
        }

        return new Piece(text, score, kind);
    }

    private static SentencePieceModel ParseTrainer(ReadOnlySpan<byte> bytes, SentencePieceModel model, ref int type, Func<string, Exception> refuse)
    {
        var reader = new ProtobufReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 3:
                    type = reader.Integer;
                    break;
                case 24 when reader.Flag:
                    throw refuse("treat_whitespace_as_suffix is not known");
                case 35:
                    model = model with { ByteFallback = reader.Flag };
                    break;
                case 44:
                    model = model with { UnknownSurface = reader.Text };
                    break;
            }
        }

        return model;
    }

    private static SentencePieceModel ParseNormalizer(ReadOnlySpan<byte> bytes, SentencePieceModel model, Func<string, Exception> refuse)
    {
        var name = "";
        var reader = new ProtobufReader(bytes);
        while (reader.TryNext())
        {
            switch (reader.Field)
            {
                case 1:
                    name = reader.Text;
                    break;
                case 2 when reader.Bytes.Length > 0:
                    throw refuse($"normalizer \"{name}\" has a character map of {reader.Bytes.Length:N0} bytes; this program reads models without one (identity)");
                case 3:
                    model = model with { AddDummyPrefix = reader.Flag };
                    break;
                case 4:
                    model = model with { RemoveExtraWhitespaces = reader.Flag };
                    break;
                case 5:
                    model = model with { EscapeWhitespaces = reader.Flag };
                    break;
            }
        }

        return model;
    }

    private static string TypeName(int type) => type switch
    {
        1 => "UNIGRAM",
        3 => "WORD",
        4 => "CHAR",
        _ => type.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

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
