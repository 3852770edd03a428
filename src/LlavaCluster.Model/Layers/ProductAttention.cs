using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>
/// Attention written out as two matrix products, for training on a CPU: the gradient of torch's fused attention takes ten times as
/// long there at the sizes that are trained. Serving does not come here.
/// </summary>
internal static class ProductAttention
{
    /// <summary>Whether this way is the faster one: a gradient is wanted, and the CPU computes it.</summary>
    public static bool Suits(Tensor query) => query.requires_grad && query.device_type == DeviceType.CPU;

    /// <summary>softmax(q·kᵀ/√d)·v.</summary>
    /// <param name="query">[…, length, head_dim]</param>
    /// <param name="keys">[…, context, head_dim]</param>
    /// <param name="values">[…, context, head_dim]</param>
    /// <param name="mask">
    /// [length, context]: bool, true where a token may look; or numbers that are added, −∞ where it may not, which is faster; null:
    /// everywhere, unless <paramref name="causal"/>.
    /// </param>
    /// <param name="causal">Without a mask: token i looks at keys 0 … i.</param>
    /// <returns>[…, length, head_dim]</returns>
    public static Tensor Attend(Tensor query, Tensor keys, Tensor values, Tensor? mask = null, bool causal = false)
    {
        using var scope = NewDisposeScope();
        var scale = 1 / Math.Sqrt(query.shape[^1]);
        var scores = matmul(query * scale, keys.transpose(-2, -1)); // […, length, context]
        if (mask is null && causal)
        {
            mask = ones(query.shape[^2], keys.shape[^2], dtype: ScalarType.Bool, device: query.device).tril();
        }

        if (mask is not null)
        {
            // In place: the product's gradient needs its factors only.
            scores = mask.dtype == ScalarType.Bool
                ? scores.masked_fill_(mask.logical_not(), float.NegativeInfinity)
                : scores.add_(mask);
        }

        return matmul(scores.softmax(-1), values).MoveToOuterDisposeScope();
    }
}
