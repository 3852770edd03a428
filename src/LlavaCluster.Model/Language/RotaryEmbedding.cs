using LlavaCluster.Model.Layers;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Language;

/// <summary>
/// Rotary position embedding in the half-split form of Llama: x·cos + rot(x)·sin with rot(x) = (−x[d/2…], x[…d/2]). Angles are taken in
/// float32 and cast to the activations' type, as transformers does.
/// </summary>
internal sealed class RotaryEmbedding : IDisposable
{
    private readonly Tensor _frequencies;
    private readonly long _half;

    /// <summary>theta^(−2j/d) for j = 0 … d/2 − 1.</summary>
    public RotaryEmbedding(int headDim, double theta, Device device)
    {
        using var scope = NewDisposeScope();
        _half = headDim / 2;
        var exponent = arange(0, headDim, 2, dtype: ScalarType.Float32) / headDim;
        _frequencies = (1.0 / pow((float)theta, exponent)).to(device).DetachFromDisposeScope();
    }

    /// <summary>Cosines and sines of a step's positions, for <see cref="Rotate"/>.</summary>
    /// <param name="positions">[tokens], int64.</param>
    /// <param name="type">Type of the activations.</param>
    /// <returns>[tokens, 1, head_dim] each.</returns>
    public (Tensor Cos, Tensor Sin) At(Tensor positions, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var angles = positions.to(ScalarType.Float32).unsqueeze(1) * _frequencies; // [tokens, head_dim / 2]
        var both = cat([angles, angles], -1).unsqueeze(1); // [tokens, 1, head_dim]
        return (both.cos().to(type).MoveToOuterDisposeScope(), both.sin().to(type).MoveToOuterDisposeScope());
    }

    /// <param name="x">[tokens, heads, head_dim]</param>
    /// <param name="cos">[tokens, 1, head_dim]</param>
    /// <param name="sin">[tokens, 1, head_dim]</param>
    /// <returns>[tokens, heads, head_dim]</returns>
    public Tensor Rotate(Tensor x, Tensor cos, Tensor sin)
    {
        using var scope = NewDisposeScope();
        var turned = cat([-x.narrow(-1, _half, _half), x.narrow(-1, 0, _half)], -1);
        return x.mul(cos).Plus(turned.mul(sin)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => _frequencies.Dispose();
}
