using System.Text;
using System.Text.Json;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>Reads the <c>model</c> of a tokenizer.json.</summary>
internal static class BpeModelReader
{
    /// <summary>The model without the ways to added ids: those come from cutting alone, never from what a text happens to spell.</summary>
    public static BpeModel Read(JsonElement model, Dictionary<string, int> vocabulary, HashSet<int> addedIds, Func<string, Exception> refuse)
    {
        foreach (var name in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (JsonTokenizerReader.Get(model, name)?.GetString() is { Length: > 0 } affix)
            {
                throw refuse($"{name} \"{affix}\" is not known; this program reads models without it");
            }
        }

        if (JsonTokenizerReader.Get(model, "dropout") is { } dropout && dropout.GetDouble() != 0)
        {
            throw refuse($"dropout {dropout} makes ids a matter of chance; set it to null");
        }

        var symbols = new Dictionary<int, int>();
        foreach (var (text, id) in vocabulary)
        {
            if (!addedIds.Contains(id) && Rune.TryGetRuneAt(text.Length == 0 ? " " : text, 0, out var rune) && rune.Utf16SequenceLength == text.Length)
            {
                symbols[rune.Value] = id;
            }
        }

        return new BpeModel(
            symbols,
            ReadMerges(model.GetProperty("merges"), vocabulary, addedIds, refuse),
            JsonTokenizerReader.GetFlag(model, "byte_fallback", false) ? ByteIds(t => vocabulary.TryGetValue(t, out var id) ? id : -1) : null,
            ReadUnknown(model, vocabulary, refuse),
            JsonTokenizerReader.GetFlag(model, "fuse_unk", false));
    }

    /// <summary>Ids of the tokens <c>&lt;0x00&gt;</c> … <c>&lt;0xFF&gt;</c>.</summary>
    public static int[] ByteIds(Func<string, int> find) => [.. Enumerable.Range(0, 256).Select(b => find($"<0x{b:X2}>"))];

    private static int ReadUnknown(JsonElement model, Dictionary<string, int> vocabulary, Func<string, Exception> refuse)
    {
        var unknown = JsonTokenizerReader.Get(model, "unk_token")?.GetString();
        return unknown is null ? -1
            : vocabulary.TryGetValue(unknown, out var id) ? id
            : throw refuse($"unk_token \"{unknown}\" is not in the vocabulary");
    }

    private static MergeTable ReadMerges(JsonElement merges, Dictionary<string, int> vocabulary, HashSet<int> addedIds, Func<string, Exception> refuse)
    {
        var table = new MergeTable(merges.GetArrayLength());
        var rank = 0;
        foreach (var merge in merges.EnumerateArray())
        {
            var (left, right) = ReadPair(merge, rank, refuse);
            if (!vocabulary.TryGetValue(left, out var leftId) || !vocabulary.TryGetValue(right, out var rightId)
                || !vocabulary.TryGetValue(left + right, out var id))
            {
                throw refuse($"merge {rank:N0} joins \"{left}\" and \"{right}\", and one of the three is not in the vocabulary");
            }

            if (!addedIds.Contains(id) && left.Length > 0 && right.Length > 0)
            {
                Rune.DecodeLastFromUtf16(left, out var last, out _);
                Rune.DecodeFromUtf16(right, out var first, out _);
                table.Add(leftId, rightId, last.Value, first.Value, new Merge(rank, id));
            }

            rank++;
        }

        return table;
    }

    /// <summary>A merge is <c>"a b"</c> in older files and <c>["a", "b"]</c> in newer ones.</summary>
    private static (string Left, string Right) ReadPair(JsonElement merge, int rank, Func<string, Exception> refuse)
    {
        if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2)
        {
            return (merge[0].GetString() ?? "", merge[1].GetString() ?? "");
        }

        var parts = merge.ValueKind == JsonValueKind.String ? merge.GetString()!.Split(' ') : [];
        return parts.Length == 2 ? (parts[0], parts[1]) : throw refuse($"merge {rank:N0} is not a pair: {merge.GetRawText()}");
    }
}
