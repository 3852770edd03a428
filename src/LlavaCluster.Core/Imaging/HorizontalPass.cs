using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaCluster.Core.Imaging;

/// <summary>
/// The horizontal pass of the resize over a few rows: every output pixel is the weighted sum of a run of source pixels, in 32-bit
/// integers. Three forms of one sum; integer addition has no order, so all give the same bits. Widths are the lanes' own: a
/// vector holds one, two or four pixels of four channels.
/// </summary>
internal static unsafe class HorizontalPass
{
    /// <summary>Rows of one call: they share each load of weights.</summary>
    public const int Rows = 4;

    private const int Half = 1 << (ResampleWeights.PrecisionBits - 1);

    /// <summary>Computes all outputs of <see cref="Rows"/> rows.</summary>
    /// <param name="lanes">Vector bits to use: 512 and 256 need the processor's support, 128 runs everywhere.</param>
    /// <param name="weights">Weights of the row axis.</param>
    /// <param name="source">[rows, sourceStride]: rows of <see cref="ResampleSource.CopyRow"/>.</param>
    /// <param name="sourceStride">Bytes from one source row to the next.</param>
    /// <param name="target">[rows, targetStride]: RGB, and one byte written behind each row.</param>
    /// <param name="targetStride">Bytes from one target row to the next.</param>
    public static void Run(int lanes, ResampleWeights weights, byte* source, int sourceStride, byte* target, int targetStride)
    {
        fixed (int* values = weights.Values)
        {
            for (var output = 0; output < weights.Starts.Length; output++)
            {
                var from = source + (weights.Starts[output] * 4);
                var q = values + ((long)output * weights.Stride);
                var taps = weights.Counts[output];
                var to = target + (output * 3);
                switch (lanes)
                {
                    case 512: Sum512(q, taps, from, sourceStride, to, targetStride); break;
                    case 256: Sum256(q, taps, from, sourceStride, to, targetStride); break;
                    default: Sum128(q, taps, from, sourceStride, to, targetStride); break;
                }
            }
        }
    }

    private static void Sum512(int* q, int taps, byte* from, int stride, byte* to, int targetStride)
    {
        var spread = Vector512.Create(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
        Vector512<int> a = default, b = default, c = default, d = default;
        for (var i = 0; i < taps; i += 4, from += 16)
        {
            var weight = Avx512F.PermuteVar16x32(Vector128.Load(q + i).ToVector256Unsafe().ToVector512Unsafe(), spread);
            a += Avx512F.ConvertToVector512Int32(Vector128.Load(from)) * weight;
            b += Avx512F.ConvertToVector512Int32(Vector128.Load(from + stride)) * weight;
            c += Avx512F.ConvertToVector512Int32(Vector128.Load(from + (2 * stride))) * weight;
            d += Avx512F.ConvertToVector512Int32(Vector128.Load(from + (3 * stride))) * weight;
        }

        Store(Fold(a), to);
        Store(Fold(b), to + targetStride);
        Store(Fold(c), to + (2 * targetStride));
        Store(Fold(d), to + (3 * targetStride));
    }

    private static void Sum256(int* q, int taps, byte* from, int stride, byte* to, int targetStride)
    {
        var spread = Vector256.Create(0, 0, 0, 0, 1, 1, 1, 1);
        Vector256<int> a = default, b = default, c = default, d = default;
        for (var i = 0; i < taps; i += 2, from += 8)
        {
            var two = Vector128.CreateScalar(*(long*)(q + i)).AsInt32();
            var weight = Avx2.PermuteVar8x32(two.ToVector256(), spread);
            a += Avx2.ConvertToVector256Int32(from) * weight;
            b += Avx2.ConvertToVector256Int32(from + stride) * weight;
            c += Avx2.ConvertToVector256Int32(from + (2 * stride)) * weight;
            d += Avx2.ConvertToVector256Int32(from + (3 * stride)) * weight;
        }

        Store(a.GetLower() + a.GetUpper(), to);
        Store(b.GetLower() + b.GetUpper(), to + targetStride);
        Store(c.GetLower() + c.GetUpper(), to + (2 * targetStride));
        Store(d.GetLower() + d.GetUpper(), to + (3 * targetStride));
    }

    private static void Sum128(int* q, int taps, byte* from, int stride, byte* to, int targetStride)
    {
        Vector128<int> a = default, b = default, c = default, d = default;
        for (var i = 0; i < taps; i++, from += 4)
        {
            var weight = Vector128.Create(q[i]);
            a += Widen(from) * weight;
            b += Widen(from + stride) * weight;
            c += Widen(from + (2 * stride)) * weight;
            d += Widen(from + (3 * stride)) * weight;
        }

        Store(a, to);
        Store(b, to + targetStride);
        Store(c, to + (2 * targetStride));
        Store(d, to + (3 * targetStride));
    }

    private static Vector128<int> Widen(byte* pixel) =>
        Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(*(uint*)pixel).AsByte())).AsInt32();

    private static Vector128<int> Fold(Vector512<int> sums)
    {
        var half = sums.GetLower() + sums.GetUpper();
        return half.GetLower() + half.GetUpper();
    }

    /// <summary>Writes the three channels and one byte more, which the next pixel overwrites.</summary>
    private static void Store(Vector128<int> sums, byte* to)
    {
        var rounded = (sums + Vector128.Create(Half)) >> ResampleWeights.PrecisionBits;
        var clamped = Vector128.Min(Vector128.Max(rounded, Vector128<int>.Zero), Vector128.Create(255));
        var bytes = Vector128.Shuffle(clamped.AsByte(), Vector128.Create((byte)0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
        *(uint*)to = bytes.AsUInt32().ToScalar();
    }
}
