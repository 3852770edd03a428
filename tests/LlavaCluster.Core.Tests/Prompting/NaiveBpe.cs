using System.Text;
using System.Text.Json;
using LlavaCluster.Core.Prompting.Tokenizing;
using LlavaCluster.Tests;

namespace LlavaCluster.Core.Tests.Prompting;

/// <summary>Byte-pair encoding as its definition says, over strings: the slow way to the same ids.</summary>
internal static class NaiveBpe
{
    /// <summary>By the merges of a tokenizer.json: the earliest rule first, of equal ones the leftmost.</summary>
    public static List<int> ByMerges(string name, string text)
    {
        var (vocabulary, ranks) = Files.GetOrAdd(name, Read);
        return Encode(text, vocabulary, (left, right) => ranks.TryGetValue((left, right), out var rank) ? -rank : null);
    }

    /// <summary>By the scores of a tokenizer.model: the neighbours whose joint text scores best first, of equal ones the leftmost.</summary>
    public static List<int> ByScores(SentencePieceModel model, string text)
    {
        var ids = model.Pieces.Select((p, id) => (p.Text, id)).ToDictionary();
        var scores = model.Pieces.Where(p => p.Kind is PieceKind.Normal).ToDictionary(p => p.Text, p => p.Score);
        return Encode(text, ids, (left, right) => scores.TryGetValue(left + right, out var score) ? score : null);
    }

    private static System.Collections.Concurrent.ConcurrentDictionary<string, (Dictionary<string, int>, Dictionary<(string, string), int>)> Files { get; } = new();

    private static List<int> Encode(string text, Dictionary<string, int> vocabulary, Func<string, string, double?> score)
    {
        var symbols = text.EnumerateRunes().Select(r => r.ToString()).ToList();
        while (true)
        {
            var best = Enumerable.Range(0, Math.Max(0, symbols.Count - 1)).Select(i => (At: i, Score: score(symbols[i], symbols[i + 1])))
                .Where(p => p.Score is not null).OrderByDescending(p => p.Score).ThenBy(p => p.At).FirstOrDefault((At: -1, Score: 0));
            if (best.At < 0)
            {
                return [.. symbols.SelectMany(s => vocabulary.TryGetValue(s, out var id) ? [id] : Encoding.UTF8.GetBytes(s).Select(b => vocabulary[$"<0x{b:X2}>"]))];
            }

            symbols[best.At] += symbols[best.At + 1];
            symbols.RemoveAt(best.At + 1);
        }
    }

    private static (Dictionary<string, int> Vocabulary, Dictionary<(string Left, string Right), int> Ranks) Read(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(GoldenFolder.Of("checkpoints", name, "tokenizer.json")));
        var model = json.RootElement.GetProperty("model");
        return (
            model.GetProperty("vocab").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetInt32()),
            model.GetProperty("merges").EnumerateArray().Select((m, rank) => ((m[0].GetString()!, m[1].GetString()!), rank)).ToDictionary());
    }
}
