using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Model.Weights;

/// <summary>How large random weights are, so that activations keep their size from the first layer to the last.</summary>
internal static class SyntheticScale
{
    /// <summary>Mean and standard deviation of a tensor's elements; norms are exactly 1, their biases 0.</summary>
    public static (float Mean, double Deviation) Of(CatalogEntry entry)
    {
        var name = entry.Name;
        if (name.Contains("norm") || name.Contains("layrnorm"))
        {
            return (name.EndsWith(".bias", StringComparison.Ordinal) ? 0 : 1, 0);
        }

        if (name.EndsWith(".bias", StringComparison.Ordinal))
        {
            return (0, 0.02);
        }

        if (name is TensorCatalog.Embedding or "image_newline" || name.Contains("class_embedding") || name.Contains("position_embedding"))
        {
            return (0, 1);
        }

        // Inputs of size 1 then give outputs of size 1. What is added to the residual stream is smaller: it adds up over layers.
        var inputs = entry.Shape.Skip(1).Aggregate(1.0, (product, size) => product * size);
        var gain = name switch
        {
            // Logits apart enough that rounding does not decide which is highest.
            TensorCatalog.OutputLayer => 4,
            _ when name.EndsWith("o_proj.weight", StringComparison.Ordinal) => 0.25,
            _ when name.EndsWith("down_proj.weight", StringComparison.Ordinal) => 0.25,
            _ when name.EndsWith("out_proj.weight", StringComparison.Ordinal) => 0.25,
            _ when name.EndsWith("fc2.weight", StringComparison.Ordinal) => 0.25,
            _ => 1,
        };
        return (0, gain / Math.Sqrt(inputs));
    }
}
