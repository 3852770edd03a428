using LlavaCluster.Training.Recipe.Network;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Tower;

/// <summary>How often the heads are right about cells that were never learned from.</summary>
internal static class TowerScore
{
    /// <summary>Heights of glyphs, pixels of the tile, that accuracy is told apart by.</summary>
    private static readonly (string Name, int From, int To)[] Heights =
        [("letters6", 6, 8), ("letters8", 8, 11), ("letters11", 11, 16), ("letters16", 16, 24), ("letters24", 24, 128)];

    /// <summary>Shares of cells: of objects for shape and colour, of glyphs for letters, of glyph middles for "centres".</summary>
    /// <param name="heads">[cells, width], float32.</param>
    /// <param name="labels">What is true of the cells.</param>
    public static SortedDictionary<string, double> Of(Tensor heads, CellLabels labels)
    {
        using var scope = NewDisposeScope();
        var parts = heads.split([TowerHeads.Shapes, TowerHeads.Colours, TowerHeads.Characters, TowerHeads.Flags], 1);
        var shapes = Best(parts[0]);
        var colours = Best(parts[1]);
        var characters = Best(parts[2]);
        var score = new SortedDictionary<string, double>(StringComparer.Ordinal)
        {
            ["shape"] = Share(labels.Shapes, shapes, i => labels.Shapes[i] > 0),
            ["colour"] = Share(labels.Colours, colours, i => labels.Colours[i] > 0),
            ["letters"] = Share(labels.Characters, characters, i => labels.Characters[i] > 0),
            ["centres"] = Share(labels.Characters, characters, i => labels.GlyphCentres[i] > 0),
            ["empty"] = Share(labels.Characters, characters, i => labels.Characters[i] == 0),
        };
        foreach (var (name, from, to) in Heights)
        {
            score[name] = Share(
                labels.Characters, characters, i => labels.GlyphCentres[i] > 0 && labels.GlyphHeights[i] >= from && labels.GlyphHeights[i] < to);
        }

        return score;
    }

    private static long[] Best(Tensor logits)
    {
        using var best = logits.argmax(1);
        return best.data<long>().ToArray();
    }

    private static double Share(sbyte[] truth, long[] said, Func<int, bool> counts)
    {
        int all = 0, right = 0;
        for (var i = 0; i < truth.Length; i++)
        {
            if (counts(i))
            {
                all++;
                right += truth[i] == said[i] ? 1 : 0;
            }
        }

        return all == 0 ? 0 : (double)right / all;
    }
}
