using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Layers;

namespace LlavaCluster.Model.Vision;

/// <summary>The weights of a <see cref="ClipLayer"/> as the fast path takes them; none is disposed here.</summary>
/// <param name="layer">Has the weights.</param>
/// <param name="product">Multiplies by them.</param>
internal sealed unsafe class FastClipLayer(ClipLayer layer, MatrixProduct product)
{
    public Norm InputNorm { get; } = new(layer.InputNorm);

    public HostLinear Qkv { get; } = Linear(layer.QkvProjection, product);

    public HostLinear Output { get; } = Linear(layer.OutputProjection, product);

    public Norm PostNorm { get; } = new(layer.PostNorm);

    public HostLinear Widening { get; } = Linear(layer.Widening, product);

    public HostLinear Narrowing { get; } = Linear(layer.Narrowing, product);

    private static HostLinear Linear(PlainLinear layer, MatrixProduct product) => new(layer.Weight, product, manyByTorch: false, layer.Bias);

    /// <summary>A norm's numbers.</summary>
    internal sealed class Norm(PlainLayerNorm norm)
    {
        /// <summary>[hidden]</summary>
        public byte* Weight { get; } = HostMemory.Of(norm.Weight);

        /// <summary>[hidden]</summary>
        public byte* Bias { get; } = HostMemory.Of(norm.Bias);

        /// <summary>Keeps the root from 0.</summary>
        public double Eps { get; } = norm.Eps;
    }
}
