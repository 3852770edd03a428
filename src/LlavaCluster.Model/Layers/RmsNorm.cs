using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>
/// Root-mean-square norm: in float32, back to the input's type, then times the weight (Llama's order, which shows in 16 bit).
/// </summary>
internal sealed class RmsNorm : nn.Module
{
    private readonly Parameter weight;
    private readonly Scalar _eps;

    /// <summary>Reads <c>name.weight</c> [width].</summary>
    public RmsNorm(WeightParts parts, string name, long width, double eps)
        : base(nameof(RmsNorm))
    {
        weight = parts.Read(name + ".weight", width);
        _eps = eps;
        RegisterComponents();
    }

    /// <summary>[width]</summary>
    public Parameter Weight => weight;

    /// <param name="x">[tokens, width]</param>
    /// <returns>[tokens, width]</returns>
    public Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var wide = x.to(ScalarType.Float32);
        var scale = wide.mul(wide).mean([-1], keepdim: true).Plus(_eps).rsqrt(); // [tokens, 1]
        return weight.mul(wide.mul(scale).to(x.dtype)).MoveToOuterDisposeScope();
    }
}
