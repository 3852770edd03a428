using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>Layer norm with weight and bias.</summary>
internal sealed class PlainLayerNorm : nn.Module
{
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly long[] _shape;
    private readonly double _eps;

    /// <summary>Reads <c>name.weight</c> and <c>name.bias</c>, both [width].</summary>
    public PlainLayerNorm(WeightParts parts, string name, long width, double eps)
        : base(nameof(PlainLayerNorm))
    {
        weight = parts.Read(name + ".weight", width);
        bias = parts.Read(name + ".bias", width);
        (_shape, _eps) = ([width], eps);
        RegisterComponents();
    }

    /// <summary>[width]</summary>
    public Tensor Weight => weight;

    /// <summary>[width]</summary>
    public Tensor Bias => bias;

    /// <summary>Keeps the root from 0.</summary>
    public double Eps => _eps;

    /// <param name="x">[…, width]</param>
    /// <returns>[…, width]</returns>
    public Tensor forward(Tensor x) => nn.functional.layer_norm(x, _shape, weight, bias, _eps);
}
