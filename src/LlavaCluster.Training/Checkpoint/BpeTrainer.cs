using System.Text;

namespace LlavaCluster.Training.Checkpoint;

/// <summary>
/// Learns a vocabulary from lines of text by byte-pair encoding (Sennrich, Haddow, Birch 2016) in the form of Llama's tokenizers:
/// characters, merges and, for characters it does not know, bytes. What may merge is less than usual (<see cref="BpeRules"/>), so that
/// the words on pictures are spelled character by character, in one way only. The same lines give the same vocabulary.
/// </summary>
internal static class BpeTrainer
{
    /// <summary>What the chat template writes: merged from the end, so that the same letters in other places stay single.</summary>
    private static readonly string[] TemplateWords = ["USER:", "ASSISTANT:"];

    /// <summary>Learns a vocabulary of at most <paramref name="size"/> ids, special tokens included.</summary>
    /// <param name="lines">Questions and answers as people write them.</param>
    /// <param name="size">Ids; fewer come out when the lines have no more pairs that occur twice.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not even bytes and ASCII fit.</exception>
    public static BpeVocabulary Train(IEnumerable<string> lines, int size)
    {
        // 1. Count words and the characters beyond ASCII.
        var (words, characters) = Count(lines);

        // 2. Ids that are there whatever the lines say.
        var pieces = new List<string>(BpeVocabulary.First);
        pieces.AddRange(Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"));
        pieces.Add(BpeVocabulary.Mark.ToString());
        pieces.AddRange(Enumerable.Range('!', '~' - '!' + 1).Select(c => ((char)c).ToString()));
        var merges = new List<(string, string)>();
        foreach (var word in TemplateWords)
        {
            for (var start = word.Length - 2; start >= 0; start--)
            {
                merges.Add((word[start].ToString(), word[(start + 1)..]));
            }

            merges.Add((BpeVocabulary.Mark.ToString(), word));
        }

        pieces.AddRange(merges.Select(m => m.Item1 + m.Item2));
        var room = size - pieces.Count - 2;
        if (room < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, $"A vocabulary has at least {pieces.Count + 2} ids.");
        }

        // 3. Characters of other scripts, the most frequent first, take at most half of what is left.
        pieces.AddRange(characters.OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal)
            .Take(room / 2).Select(c => c.Key).Order(StringComparer.Ordinal));

        // 4. The most frequent pair becomes one, again and again.
        while (pieces.Count + 2 < size && BestPair(words) is { } best)
        {
            merges.Add(best);
            pieces.Add(best.Left + best.Right);
            words.ForEach(w => Join(w.Symbols, best));
        }

        return new BpeVocabulary(pieces, merges);
    }

    private static (List<(List<string> Symbols, long Count)> Words, Dictionary<string, long> Characters) Count(IEnumerable<string> lines)
    {
        var words = new Dictionary<string, long>();
        var characters = new Dictionary<string, long>();
        foreach (var line in lines)
        {
            // A line stands after a space in a prompt, or right after a picture's line end.
            foreach (var word in BpeRules.Words(line).Concat(BpeRules.Words(" " + line)))
            {
                words[word] = words.GetValueOrDefault(word) + 1;
            }

            foreach (var rune in line.EnumerateRunes().Where(r => r.Value >= 128 && r.Value != BpeVocabulary.Mark && r != Rune.ReplacementChar))
            {
                characters[rune.ToString()] = characters.GetValueOrDefault(rune.ToString()) + 1;
            }
        }

        return ([.. words.OrderBy(w => w.Key, StringComparer.Ordinal).Select(w => (w.Key.Select(c => c.ToString()).ToList(), w.Value))], characters);
    }

    /// <summary>The pair that occurs most often, at least twice; of equals, the first by its characters.</summary>
    private static (string Left, string Right)? BestPair(List<(List<string> Symbols, long Count)> words)
    {
        var counts = new Dictionary<(string Left, string Right), long>();
        foreach (var (symbols, count) in words)
        {
            foreach (var pair in symbols.Zip(symbols.Skip(1)).Where(p => BpeRules.MayMerge(p.First, p.Second)))
            {
                counts[pair] = counts.GetValueOrDefault(pair) + count;
            }
        }

        return counts.Where(c => c.Value > 1)
            .OrderByDescending(c => c.Value)
            .ThenBy(c => c.Key.Left, StringComparer.Ordinal)
            .ThenBy(c => c.Key.Right, StringComparer.Ordinal)
            .Select(c => ((string, string)?)c.Key)
            .FirstOrDefault();
    }

    private static void Join(List<string> symbols, (string Left, string Right) pair)
    {
        for (var i = 0; i + 1 < symbols.Count; i++)
        {
            if (symbols[i] == pair.Left && symbols[i + 1] == pair.Right)
            {
                symbols[i] += pair.Right;
                symbols.RemoveAt(i + 1);
            }
        }
    }
}
