using System.Runtime.InteropServices;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Weights;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Checkpoint;

/// <summary>
/// The weights that training starts from: normally distributed by seed, float32, on the CPU. Matrices keep the size of what passes
/// through them down, as in "Transformers without Tears" (Nguyen, Salazar 2019): deviation √(2 / 5·inputs); those that add to the
/// residual stream are smaller by √(2·layers), so that the stream's size does not depend on depth; tables have 0.02, norms are 1,
/// biases 0. A tensor's values depend on seed and name alone. One thread.
/// </summary>
/// <param name="config">The model's numbers.</param>
/// <param name="seed">The same seed gives the same weights.</param>
internal sealed class InitialWeights(LlavaConfig config, ulong seed) : IWeightSource
{
    private const double OfTables = 0.02;

    private static readonly string[] ToResidual = ["o_proj.weight", "down_proj.weight", "out_proj.weight", "fc2.weight"];

    private readonly Dictionary<string, CatalogEntry> _entries = TensorCatalog.Of(config).ToDictionary(e => e.Name);

    /// <summary>Our names of all tensors that the config asks for, in the order of a forward pass.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>All tensors by name; the caller disposes them.</summary>
    public Dictionary<string, Tensor> ReadAll() => _entries.Values.ToDictionary(e => e.Name, e => Read(e.Name, e.Shape));

    /// <inheritdoc/>
    public Tensor Read(string name, long[] shape, WeightSlice? slice = null)
    {
        if (!_entries.TryGetValue(name, out var entry) || !entry.Shape.SequenceEqual(shape))
        {
            throw new BadCheckpointException($"The config asks for no tensor {name} of {SafetensorsTensor.Show(shape)}.");
        }

        using var scope = NewDisposeScope();
        var whole = Values(entry);
        var part = slice is { } cut ? whole.narrow(cut.Dimension, cut.Start, cut.Length).contiguous() : whole;
        return part.MoveToOuterDisposeScope().DetachFromDisposeScope();
    }

    private Tensor Values(CatalogEntry entry)
    {
        var (mean, deviation) = Of(entry);
        if (deviation == 0)
        {
            return full(entry.Shape, mean, dtype: ScalarType.Float32);
        }

        var values = empty(entry.Shape, dtype: ScalarType.Float32);
        var levels = NormalFill.Levels(deviation, v => v);
        NormalFill.Fill(MemoryMarshal.Cast<byte, float>(values.bytes), levels, NormalFill.Key(seed, entry.Name), first: 0);
        return values;
    }

    private (float Mean, double Deviation) Of(CatalogEntry entry)
    {
        var name = entry.Name;
        if (name.EndsWith(".bias", StringComparison.Ordinal))
        {
            return (0, 0);
        }

        if (name.Contains("norm", StringComparison.Ordinal) || name.Contains("pre_layrnorm", StringComparison.Ordinal))
        {
            return (1, 0);
        }

        if (name is TensorCatalog.Embedding or TensorCatalog.OutputLayer or "image_newline"
            || name.EndsWith("class_embedding", StringComparison.Ordinal) || name.EndsWith("position_embedding.weight", StringComparison.Ordinal))
        {
            return (0, OfTables);
        }

        var inputs = entry.Shape.Skip(1).Aggregate(1.0, (product, size) => product * size);
        var deviation = Math.Sqrt(2 / (5 * inputs));
        var layers = entry.Role == WeightRoles.Vision ? config.Vision.Layers : config.Text.Layers;
        return (0, ToResidual.Any(end => name.EndsWith(end, StringComparison.Ordinal)) ? deviation / Math.Sqrt(2 * layers) : deviation);
    }
}
