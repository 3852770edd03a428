using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>What a model has to read and to compute, counted from its shapes. A multiplication and its addition are two operations.</summary>
internal static class ModelWork
{
    /// <summary>Numbers of the weights that every token needs: layers, last norm and head; of the embedding it needs one row.</summary>
    public static long DecodeWeights(TextConfig text) => LayerWeights(text) + (2L * text.Layers * text.Hidden) + text.Hidden
        + ((long)text.VocabularySize * text.Hidden);

    /// <summary>Numbers of keys and values that a token at the end of a context reads.</summary>
    public static long ContextNumbers(TextConfig text, int context) => 2L * text.Layers * text.KvHeads * text.HeadDim * context;

    /// <summary>Operations of a prompt, attention included; a token looks at itself and those before it. One row goes through the head.</summary>
    public static double PromptOperations(TextConfig text, int tokens)
    {
        var looked = tokens * (tokens + 1.0) / 2;
        return (2.0 * tokens * LayerWeights(text))
            + (4.0 * text.Layers * text.Heads * text.HeadDim * looked)
            + (2.0 * text.VocabularySize * text.Hidden);
    }

    /// <summary>Operations of tiles in the vision tower.</summary>
    public static double TileOperations(VisionConfig vision, int tiles)
    {
        double tokens = vision.Patches + 1, hidden = vision.Hidden;
        var layer = (2 * tokens * ((4 * hidden * hidden) + (2 * hidden * vision.Intermediate))) + (4 * tokens * tokens * hidden);
        return tiles * ((vision.LayersUsed * layer) + (2.0 * vision.Patches * 3 * vision.PatchSide * vision.PatchSide * hidden));
    }

    private static long LayerWeights(TextConfig text)
    {
        long hidden = text.Hidden, dim = text.HeadDim;
        return text.Layers * ((hidden * (text.Heads + (2L * text.KvHeads)) * dim) + (text.Heads * dim * hidden)
            + (3L * hidden * text.Intermediate));
    }
}
