using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LlavaCluster.Model.Kernels;

namespace LlavaCluster.Model.Quantised;

/// <summary>
/// One row of 16-bit numbers times a tile of 64 outputs, straight from the codes: what decoding one sequence does all day. Four panels
/// at once, since a sum is one chain and the next link of a chain has to wait for the last.
/// </summary>
internal static unsafe class Avx512CodeKernel
{
    /// <summary>
    /// Bytes ahead that int4 is fetched: 128 instructions for 288 bytes leave the processor no room to run ahead by itself, and four panels
    /// in turn are no order that it foresees.
    /// </summary>
    private const int Ahead = 4 * CodeMatrix.TileStretch;

    /// <summary>The tile's sums; of int8 without the scales.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="tile">Number of the tile.</param>
    /// <param name="x">The row in the order of products, filled up with 0 to a multiple of <see cref="CodeMatrix.Stretch"/>.</param>
    /// <param name="totals">[64], written.</param>
    public static void Row(CodeMatrix matrix, int tile, float* x, float* totals)
    {
        var block = ProductOrder.Block(matrix.Inputs);
        var memory = matrix.Memory + (tile * matrix.TileBytes);
        for (var start = 0; start < matrix.Inputs; start += block)
        {
            var end = Math.Min(matrix.Inputs, start + block);
            if (matrix.Form == WeightForm.Int8)
            {
                Bytes(memory + ((long)start * CodeMatrix.TileOutputs), (end - start + 1) / 2, x + start, totals, start > 0);
            }
            else
            {
                Words(memory + (start / CodeMatrix.Stretch * (long)CodeMatrix.TileStretch), end - start, x + start, totals, start > 0);
            }
        }
    }

    private static void Bytes(byte* line, int pairs, float* x, float* totals, bool add)
    {
        var (a, b, c, d) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        for (; pairs > 0; pairs--, line += 2 * CodeMatrix.TileOutputs, x += 2)
        {
            var (first, second) = (Vector512.Create(x[0]), Vector512.Create(x[1]));
            a = Avx512F.FusedMultiplyAdd(second, Codes(line), Avx512F.FusedMultiplyAdd(first, Codes(line + 64), a));
            b = Avx512F.FusedMultiplyAdd(second, Codes(line + 16), Avx512F.FusedMultiplyAdd(first, Codes(line + 80), b));
            c = Avx512F.FusedMultiplyAdd(second, Codes(line + 32), Avx512F.FusedMultiplyAdd(first, Codes(line + 96), c));
            d = Avx512F.FusedMultiplyAdd(second, Codes(line + 48), Avx512F.FusedMultiplyAdd(first, Codes(line + 112), d));
        }

        Keep(a, b, c, d, totals, add);
    }

    private static void Words(byte* at, int inputs, float* x, float* totals, bool add)
    {
        var (a, b, c, d) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        for (; inputs > 0; inputs -= CodeMatrix.Stretch, at += CodeMatrix.TileStretch, x += CodeMatrix.Stretch)
        {
            for (var half = 0; half < 2; half++)
            {
                var scales = (ushort*)at + (half * CodeMatrix.Lanes);
                var words = at + 64 + (half * 4 * 64);
                var ahead = at + Ahead + (half * (CodeMatrix.TileStretch / 2));
                Fetch(ahead);
                a = Group(words, scales, x + (half * 32), a);
                Fetch(ahead + 288);
                b = Group(words + CodeMatrix.PanelStretch, scales + (CodeMatrix.PanelStretch / 2), x + (half * 32), b);
                Fetch(ahead + 576);
                c = Group(words + (2 * CodeMatrix.PanelStretch), scales + CodeMatrix.PanelStretch, x + (half * 32), c);
                Fetch(ahead + 864);
                d = Group(words + (3 * CodeMatrix.PanelStretch), scales + (3 * CodeMatrix.PanelStretch / 2), x + (half * 32), d);
            }
        }

        Keep(a, b, c, d, totals, add);
    }

    /// <summary>The lines of 288 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* memory)
    {
        Sse.Prefetch0(memory);
        Sse.Prefetch0(memory + 64);
        Sse.Prefetch0(memory + 128);
        Sse.Prefetch0(memory + 192);
        Sse.Prefetch0(memory + 256);
    }

    /// <summary>32 inputs of 16 outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Group(byte* words, ushort* scales, float* x, Vector512<float> sum)
    {
        var scale = CodePanel.Scales16(scales);
        sum = Word(Vector512.Load((uint*)words), scale, x, sum);
        sum = Word(Vector512.Load((uint*)(words + 64)), scale, x + 8, sum);
        sum = Word(Vector512.Load((uint*)(words + 128)), scale, x + 16, sum);
        return Word(Vector512.Load((uint*)(words + 192)), scale, x + 24, sum);
    }

    /// <summary>8 inputs of 16 outputs. The permutation looks a code up by its 4 bits and does not mind what stands above them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Word(Vector512<uint> words, Vector512<float> scale, float* x, Vector512<float> sum)
    {
        var table = Vector512.Create(0f, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
        sum = Step(table, words >> 4, scale, x, sum);
        sum = Step(table, words, scale, x + 1, sum);
        sum = Step(table, words >> 12, scale, x + 2, sum);
        sum = Step(table, words >> 8, scale, x + 3, sum);
        sum = Step(table, words >> 20, scale, x + 4, sum);
        sum = Step(table, words >> 16, scale, x + 5, sum);
        sum = Step(table, words >> 28, scale, x + 6, sum);
        return Step(table, words >> 24, scale, x + 7, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Step(
        Vector512<float> table, Vector512<uint> words, Vector512<float> scale, float* x, Vector512<float> sum)
        => Avx512F.FusedMultiplyAdd(
            Vector512.Create(*x), Avx512F.PermuteVar16x32(table, words.AsInt32()) * scale, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Codes(byte* codes)
        => Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(Vector128.Load((sbyte*)codes)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(
        Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* totals, bool add)
    {
        (add ? Vector512.Load(totals) + a : a).Store(totals);
        (add ? Vector512.Load(totals + 16) + b : b).Store(totals + 16);
        (add ? Vector512.Load(totals + 32) + c : c).Store(totals + 32);
        (add ? Vector512.Load(totals + 48) + d : d).Store(totals + 48);
    }
}
