using System.Runtime.Intrinsics;

namespace LlavaCluster.Core.Sampling;

/// <summary>
/// Maximum and sum of exponentials of a row, in one fixed order of additions whatever the machine's vectors measure: the same row
/// gives the same bits everywhere.
/// </summary>
internal static class SoftMax
{
    /// <summary>
    /// The largest logit. Throws where the row cannot be a distribution: a NaN, +∞, or nothing above −∞.
    /// </summary>
    public static float CheckedMax(ReadOnlySpan<float> logits)
    {
        var max = float.NegativeInfinity;
        for (var i = 0; i < logits.Length; i++)
        {
            var value = logits[i];
            if (float.IsNaN(value) || float.IsPositiveInfinity(value))
            {
                throw new BadLogitsException(
                    $"Logit {i} of {logits.Length} is {(float.IsNaN(value) ? "not a number" : "infinite")}: the model's numbers "
                    + "overflowed or its weights are damaged. Try another dtype, or check the checkpoint.");
            }

            max = MathF.Max(max, value);
        }

        return float.IsNegativeInfinity(max)
            ? throw new BadLogitsException($"None of {logits.Length} logits is above minus infinity: no token is allowed.")
            : max;
    }

    /// <summary>Σ exp(logit − max).</summary>
    public static double SumExp(ReadOnlySpan<float> logits, float max)
    {
        var shift = Vector256.Create(max);
        Vector256<double> lower = Vector256<double>.Zero, upper = Vector256<double>.Zero;
        var i = 0;
        for (; i <= logits.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            var (first, second) = Vector256.Widen(Vector256.Exp(Vector256.Create(logits.Slice(i, Vector256<float>.Count)) - shift));
            lower += first;
            upper += second;
        }

        var sum = Vector256.Sum(lower + upper);
        for (; i < logits.Length; i++)
        {
            sum += MathF.Exp(logits[i] - max);
        }

        return sum;
    }
}
