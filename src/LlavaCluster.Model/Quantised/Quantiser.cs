using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LlavaCluster.Model.Quantised;

/// <summary>
/// Numbers to codes. The same codes on every processor: vectors only do what each lane does alone, and sums are added in one order.
/// What is no number, or infinite, gives a scale that is no number, so that it stays visible.
/// </summary>
internal static unsafe class Quantiser
{
    /// <summary>Adding and taking away rounds to the nearest whole number, ties to even.</summary>
    private const float Rounder = 12582912f; // 1.5 × 2^23

    /// <summary>Below this all weights are taken for 0: their scale could not be stored exactly.</summary>
    private const float Least = 1e-30f;

    /// <summary>The lowest bit that a scale of int4 may have: a sign, an exponent and 5 significant bits.</summary>
    private const uint ScaleStep = 1u << 19;

    /// <summary>int8: one scale for a row, by its largest number.</summary>
    /// <param name="row">The numbers, up to a multiple of 16 filled with 0.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="codes">−127 … 127 each, written.</param>
    /// <returns>The scale.</returns>
    public static float Row(float* row, int count, sbyte* codes)
    {
        var largest = 0f;
        for (var i = 0; i < count; i++)
        {
            largest = MathF.Max(largest, MathF.Abs(row[i])); // NaN stays
        }

        if (!float.IsFinite(largest) || largest < Least)
        {
            new Span<sbyte>(codes, count).Clear();
            return float.IsFinite(largest) ? 0 : float.NaN;
        }

        var scale = largest / 127;
        var inverse = Vector512.Create(1 / scale);
        var code = stackalloc int[16];
        for (var i = 0; i < count; i += 16)
        {
            Codes(Vector512.Load(row + i), inverse, -127, 127).Store(code);
            for (var lane = 0; lane < 16 && i + lane < count; lane++)
            {
                codes[i + lane] = (sbyte)code[lane];
            }
        }

        return scale;
    }

    /// <summary>
    /// int4: of all scales of 5 significant bits between a ninth and a seventh of the largest number, the one with the least squared
    /// error. The sign is such that the largest number gets a code of −8's side, which reaches further.
    /// </summary>
    /// <param name="group">32 numbers.</param>
    /// <param name="codes">16 bytes, written.</param>
    /// <returns>The scale, bfloat16.</returns>
    public static ushort Group(float* group, byte* codes)
    {
        var (largest, sum) = (0f, 0f);
        for (var i = 0; i < RowCodes.Group; i++)
        {
            sum += MathF.Abs(group[i]);
            largest = MathF.Abs(group[i]) > MathF.Abs(largest) ? group[i] : largest;
        }

        if (!float.IsFinite(sum) || sum < Least)
        {
            new Span<byte>(codes, RowCodes.Group / 2).Clear();
            return (ushort)(float.IsFinite(sum) ? 0 : BitConverter.SingleToUInt32Bits(float.NaN) >> 16);
        }

        var (low, high) = (Vector512.Load(group), Vector512.Load(group + 16));
        var reach = MathF.Abs(largest);
        var (best, least) = (0f, float.PositiveInfinity);
        for (var bits = BitConverter.SingleToUInt32Bits(reach / 9) & ~(ScaleStep - 1); ; bits += ScaleStep)
        {
            var scale = BitConverter.UInt32BitsToSingle(bits);
            if (scale * 7 > reach && best != 0)
            {
                break;
            }

            scale = largest > 0 ? -scale : scale;
            var error = Error(low, scale) + Error(high, scale);
            var off = Sum(error);
            (best, least) = off < least ? (scale, off) : (best, least);
        }

        var inverse = Vector512.Create(1 / best);
        var code = stackalloc int[RowCodes.Group];
        Codes(low, inverse, -8, 7).Store(code);
        Codes(high, inverse, -8, 7).Store(code + 16);
        for (var i = 0; i < RowCodes.Group / 2; i++)
        {
            codes[i] = (byte)((code[2 * i] & 15) | (code[(2 * i) + 1] << 4));
        }

        return (ushort)(BitConverter.SingleToUInt32Bits(best) >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Rounded(Vector512<float> numbers, Vector512<float> inverse, float lowest, float highest)
    {
        var rounded = (numbers * inverse) + Vector512.Create(Rounder) - Vector512.Create(Rounder);
        return Vector512.Min(Vector512.Max(rounded, Vector512.Create(lowest)), Vector512.Create(highest));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Codes(Vector512<float> numbers, Vector512<float> inverse, float lowest, float highest)
        => Vector512.ConvertToInt32(Rounded(numbers, inverse, lowest, highest));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Error(Vector512<float> numbers, float scale)
    {
        var off = numbers - (Rounded(numbers, Vector512.Create(1 / scale), -8, 7) * Vector512.Create(scale));
        return off * off;
    }

    /// <summary>By halves: the same order on every processor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Sum(Vector512<float> numbers)
    {
        var eight = numbers.GetLower() + numbers.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        return four[0] + four[1] + (four[2] + four[3]);
    }
}
