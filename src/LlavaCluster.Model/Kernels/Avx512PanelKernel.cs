using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaCluster.Model.Kernels;

/// <summary>Sixteen lanes, with one row times bfloat16 straight from memory: what decoding one sequence does all day.</summary>
internal unsafe class Avx512PanelKernel : LanesPanelKernel<Lanes512, Vector512<float>>
{
    /// <summary>Bytes ahead that a row is fetched: 16 rows at once are more streams than the processor follows by itself.</summary>
    private const int Ahead = 8 * 64;

    /// <inheritdoc/>
    public override bool TryMultiplyRow(byte* rows, long stride, int k, int block, byte* x, byte* next, float* totals)
    {
        if (k % 32 != 0)
        {
            return false;
        }

        var total = Vector512<float>.Zero;
        for (var start = 0; start < k; start += block)
        {
            var sum = Vector512<float>.Zero;
            var end = Math.Min(k, start + block);
            for (var i = start; i < end; i += 32)
            {
                sum = Step(rows + (2L * i), stride, (float*)x + i, sum);
            }

            total = start == 0 ? sum : total + sum;
        }

        total.Store(totals);
        return true;
    }

    /// <summary>16 pairs of 16 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Step(byte* rows, long stride, float* x, Vector512<float> sum)
    {
        for (var row = 0; row < 16; row++)
        {
            Sse.Prefetch0(rows + (row * stride) + Ahead);
        }

        var square = Square512.Load(rows, stride);
        square.Turn();
        sum = Pair(square.R0, x, sum);
        sum = Pair(square.R1, x + 2, sum);
        sum = Pair(square.R2, x + 4, sum);
        sum = Pair(square.R3, x + 6, sum);
        sum = Pair(square.R4, x + 8, sum);
        sum = Pair(square.R5, x + 10, sum);
        sum = Pair(square.R6, x + 12, sum);
        sum = Pair(square.R7, x + 14, sum);
        sum = Pair(square.R8, x + 16, sum);
        sum = Pair(square.R9, x + 18, sum);
        sum = Pair(square.R10, x + 20, sum);
        sum = Pair(square.R11, x + 22, sum);
        sum = Pair(square.R12, x + 24, sum);
        sum = Pair(square.R13, x + 26, sum);
        sum = Pair(square.R14, x + 28, sum);
        return Pair(square.R15, x + 30, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Pair(Vector512<uint> words, float* x, Vector512<float> sum)
    {
        var second = (words & Vector512.Create(0xffff0000u)).AsSingle();
        sum = Avx512F.FusedMultiplyAdd(Vector512.Create(x[0]), second, sum);
        return Avx512F.FusedMultiplyAdd(Vector512.Create(x[1]), (words << 16).AsSingle(), sum);
    }
}
