using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaCluster.Model.Kernels;

/// <summary>Eight numbers at a time: AVX2 with fused multiply-add.</summary>
internal readonly unsafe struct Lanes256 : ILanes<Vector256<float>>
{
    /// <inheritdoc/>
    public static int Count => 8;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> value, float* target) => value.Store(target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Fma.MultiplyAdd(a, b, c);

    /// <inheritdoc/>
    public static void Transpose(byte* rows, long stride, NumberForm form, float* panel)
    {
        var r0 = Row(rows, stride, 0);
        var r1 = Row(rows, stride, 1);
        var r2 = Row(rows, stride, 2);
        var r3 = Row(rows, stride, 3);
        var r4 = Row(rows, stride, 4);
        var r5 = Row(rows, stride, 5);
        var r6 = Row(rows, stride, 6);
        var r7 = Row(rows, stride, 7);
        Quarter(ref r0, ref r1, ref r2, ref r3);
        Quarter(ref r4, ref r5, ref r6, ref r7);

        // Low halves are words 0 … 3, high halves words 4 … 7.
        Line(form, Avx2.Permute2x128(r0, r4, 0x20), panel, 0);
        Line(form, Avx2.Permute2x128(r1, r5, 0x20), panel, 1);
        Line(form, Avx2.Permute2x128(r2, r6, 0x20), panel, 2);
        Line(form, Avx2.Permute2x128(r3, r7, 0x20), panel, 3);
        Line(form, Avx2.Permute2x128(r0, r4, 0x31), panel, 4);
        Line(form, Avx2.Permute2x128(r1, r5, 0x31), panel, 5);
        Line(form, Avx2.Permute2x128(r2, r6, 0x31), panel, 6);
        Line(form, Avx2.Permute2x128(r3, r7, 0x31), panel, 7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Row(byte* rows, long stride, int row) => Vector256.Load((uint*)(rows + (row * stride)));

    /// <summary>Four rows: turns each 4 × 4 words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter(ref Vector256<uint> a, ref Vector256<uint> b, ref Vector256<uint> c, ref Vector256<uint> d)
    {
        var (ab, abHigh) = (Avx2.UnpackLow(a, b).AsUInt64(), Avx2.UnpackHigh(a, b).AsUInt64());
        var (cd, cdHigh) = (Avx2.UnpackLow(c, d).AsUInt64(), Avx2.UnpackHigh(c, d).AsUInt64());
        (a, b) = (Avx2.UnpackLow(ab, cd).AsUInt32(), Avx2.UnpackHigh(ab, cd).AsUInt32());
        (c, d) = (Avx2.UnpackLow(abHigh, cdHigh).AsUInt32(), Avx2.UnpackHigh(abHigh, cdHigh).AsUInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Line(NumberForm form, Vector256<uint> words, float* panel, int word)
    {
        if (form == NumberForm.Float32)
        {
            words.AsSingle().Store(panel + (word * 8));
        }
        else if (form == NumberForm.BFloat16)
        {
            (words & Vector256.Create(0xffff0000u)).AsSingle().Store(panel + (word * 16));
            (words << 16).AsSingle().Store(panel + (word * 16) + 8);
        }
        else
        {
            Numbers.WidenHalf(words >> 16).Store(panel + (word * 16));
            Numbers.WidenHalf(words & Vector256.Create(0xffffu)).Store(panel + (word * 16) + 8);
        }
    }
}
