using System.Numerics;

namespace LlavaCluster.Core.Imaging;

/// <summary>The vertical pass of the resize: an output row is the weighted sum of source rows, byte by byte, in 32-bit integers.</summary>
internal static unsafe class VerticalPass
{
    private const int Half = 1 << (ResampleWeights.PrecisionBits - 1);

    /// <summary>Computes one output row.</summary>
    /// <param name="weights">The row's weights.</param>
    /// <param name="source">First source row that has a weight.</param>
    /// <param name="stride">Bytes from one source row to the next.</param>
    /// <param name="target">Receives the row; its length says how many bytes are computed.</param>
    public static void Run(ReadOnlySpan<int> weights, byte* source, long stride, Span<byte> target)
    {
        var x = 0;
        for (; x <= target.Length - Vector<byte>.Count; x += Vector<byte>.Count)
        {
            Vector<int> a = new(Half), b = a, c = a, d = a;
            var from = source + x;
            foreach (var weight in weights)
            {
                Vector.Widen(*(Vector<byte>*)from, out var low, out var high);
                Vector.Widen(low, out var first, out var second);
                Vector.Widen(high, out var third, out var fourth);
                var factor = new Vector<int>(weight);
                a += first.As<uint, int>() * factor;
                b += second.As<uint, int>() * factor;
                c += third.As<uint, int>() * factor;
                d += fourth.As<uint, int>() * factor;
                from += stride;
            }

            var bytes = Vector.Narrow(Vector.Narrow(Clamp(a), Clamp(b)), Vector.Narrow(Clamp(c), Clamp(d)));
            bytes.CopyTo(target[x..]);
        }

        for (; x < target.Length; x++)
        {
            var sum = Half;
            var from = source + x;
            foreach (var weight in weights)
            {
                sum += *from * weight;
                from += stride;
            }

            target[x] = (byte)Math.Clamp(sum >> ResampleWeights.PrecisionBits, 0, 255);
        }
    }

    private static Vector<uint> Clamp(Vector<int> sums) => Vector.Min(
        Vector.Max(sums >> ResampleWeights.PrecisionBits, Vector<int>.Zero), new Vector<int>(255)).As<int, uint>();
}
