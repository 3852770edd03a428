using System.Globalization;
using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>Reads the protobuf file of a SentencePiece model (numbers of fields: sentencepiece_model.proto).</summary>
internal static class SentencePieceModelReader
{
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
        _ => type.ToString(CultureInfo.InvariantCulture),
    };
}
