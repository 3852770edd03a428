using System.Numerics;
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
        // A NaN is unequal to itself, and the only number that a maximum may lose.
        var (max, clean) = (float.NegativeInfinity, true);
        var i = 0;
        if (logits.Length >= Vector512<float>.Count)
        {
            var (most, equal) = (Vector512.Create(float.NegativeInfinity), Vector512<float>.AllBitsSet);
            for (; i <= logits.Length - Vector512<float>.Count; i += Vector512<float>.Count)
            {
                var row = Vector512.Create(logits.Slice(i, Vector512<float>.Count));
                most = Vector512.Max(most, row);
                equal &= Vector512.Equals(row, row);
            }

            clean = Vector512.EqualsAll(equal.AsInt32(), Vector512<int>.AllBitsSet);
            for (var lane = 0; lane < Vector512<float>.Count; lane++)
            {
                max = MathF.Max(max, most[lane]);
            }
        }

        for (; i < logits.Length; i++)
        {
            clean &= !float.IsNaN(logits[i]);
            max = MathF.Max(max, logits[i]);
        }

        return !clean || float.IsPositiveInfinity(max) ? throw BadLogit(logits)
            : float.IsNegativeInfinity(max)
            ? throw new BadLogitsException($"None of {logits.Length} logits is above minus infinity: no token is allowed.")
            : max;
    }

    /// <summary>Where a number stands first in a row that has it.</summary>
    public static int IndexOf(ReadOnlySpan<float> row, float number)
    {
        var i = 0;
        var wanted = Vector512.Create(number);
        for (; i <= row.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            var found = Vector512.Equals(Vector512.Create(row.Slice(i, Vector512<float>.Count)), wanted).ExtractMostSignificantBits();
            if (found != 0)
            {
                return i + BitOperations.TrailingZeroCount(found);
            }
        }

        while (row[i] != number)
        {
            i++;
        }

        return i;
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

    private static BadLogitsException BadLogit(ReadOnlySpan<float> logits)
    {
        var i = 0;
        while (!float.IsNaN(logits[i]) && !float.IsPositiveInfinity(logits[i]))
        {
            i++;
        }

        return new BadLogitsException(
            $"Logit {i} of {logits.Length} is {(float.IsNaN(logits[i]) ? "not a number" : "infinite")}: the model's numbers "
            + "overflowed or its weights are damaged. Try another dtype, or check the checkpoint.");
    }
}
