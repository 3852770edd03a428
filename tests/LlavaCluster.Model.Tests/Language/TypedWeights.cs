using LlavaCluster.Model.Weights;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Language;

/// <summary><see cref="RandomWeights"/> in another number form.</summary>
internal sealed class TypedWeights(ScalarType type) : IWeightSource
{
    private readonly RandomWeights _weights = new();

    public Tensor Read(string name, long[] shape, WeightSlice? slice = null)
    {
        var read = _weights.Read(name, shape, slice);
        if (read.dtype == type)
        {
            return read;
        }

        using (read)
        {
            return read.to(type).DetachFromDisposeScope();
        }
    }
}
