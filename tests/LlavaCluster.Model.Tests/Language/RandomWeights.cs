using LlavaCluster.Model.Weights;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Language;

/// <summary>Weights of any shape, the same for the same name: norms near 1, all else small.</summary>
/// <param name="device">Where they go; null: host memory.</param>
internal sealed class RandomWeights(Device? device = null) : IWeightSource
{
    public Tensor Read(string name, long[] shape, WeightSlice? slice = null)
    {
        using var scope = NewDisposeScope();
        var random = new Random(name.Aggregate(17, (hash, letter) => (hash * 31) + letter));
        var around = name.Contains("norm") ? 1f : 0f;
        var numbers = new float[shape.Aggregate(1L, (a, b) => a * b)];
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = around + ((float)(random.NextDouble() - 0.5) * 0.4f);
        }

        var whole = tensor(numbers, shape);
        var part = slice is { } s ? whole.narrow(s.Dimension, s.Start, s.Length).contiguous() : whole;
        return part.to(device ?? CPU, copy: true).DetachFromDisposeScope();
    }
}
