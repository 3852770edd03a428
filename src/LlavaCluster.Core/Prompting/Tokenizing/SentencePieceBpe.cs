using System.Text;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// Makes the byte-pair merges of a SentencePiece model. SentencePiece joins two neighbours whenever their joint text is a piece, best
/// score first, then from the left; so every way to cut a piece in two symbols is a merge whose rank is the rank of the piece's score.
/// </summary>
internal static class SentencePieceBpe
{
    /// <summary>The model, without the pieces of which <paramref name="mayResult"/> says that plain text must not become them.</summary>
    public static BpeModel Build(SentencePieceModel model, Func<int, bool> mayResult)
    {
        var ids = new Dictionary<string, int>();
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            if (model.Pieces[id].Kind is PieceKind.Normal or PieceKind.UserDefined && mayResult(id) && model.Pieces[id].Text.Length > 0)
            {
                ids.TryAdd(model.Pieces[id].Text, id);
            }
        }

        var symbols = new Dictionary<int, int>();
        foreach (var (text, id) in ids)
        {
            if (SingleRune(text) is { } rune)
            {
                symbols[rune.Value] = id;
            }
        }

        var bytes = new Dictionary<string, int>();
        var unknown = -1;
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            if (model.Pieces[id].Kind == PieceKind.Byte)
            {
                bytes[model.Pieces[id].Text] = id;
            }

            unknown = model.Pieces[id].Kind == PieceKind.Unknown ? id : unknown;
        }

        var byteIds = model.ByteFallback ? BpeModelReader.ByteIds(t => bytes.GetValueOrDefault(t, -1)) : null;
        return new BpeModel(symbols, BuildMerges(model, ids), byteIds, unknown, fuseUnknown: true);
    }

    private static MergeTable BuildMerges(SentencePieceModel model, Dictionary<string, int> ids)
    {
        var ranks = model.Pieces.Select(p => p.Score).Distinct().OrderDescending().Select((score, rank) => (score, rank)).ToDictionary();
        var parts = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var table = new MergeTable(ids.Count * 2);
        foreach (var (text, id) in ids)
        {
            for (var cut = 1; cut < text.Length; cut++)
            {
                if (char.IsLowSurrogate(text[cut])
                    || Symbol(text.AsSpan(0, cut), parts) is not { } left || Symbol(text.AsSpan(cut), parts) is not { } right)
                {
                    continue;
                }

                Rune.DecodeLastFromUtf16(text.AsSpan(0, cut), out var last, out _);
                Rune.DecodeFromUtf16(text.AsSpan(cut), out var first, out _);
                table.Add(left, right, last.Value, first.Value, new Merge(ranks[model.Pieces[id].Score], id));
            }
        }

        return table;
    }

    /// <summary>The symbol of a part: a piece, or a single character, which needs none.</summary>
    private static int? Symbol(ReadOnlySpan<char> part, Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> pieces) =>
        pieces.TryGetValue(part, out var id) ? id : SingleRune(part) is { } rune ? ~rune.Value : null;

    private static Rune? SingleRune(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var rune, out var length) == System.Buffers.OperationStatus.Done && length == text.Length ? rune : null;
}
