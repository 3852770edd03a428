using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaCluster.Model.Kernels;

/// <summary>Sixteen numbers at a time: AVX-512.</summary>
internal readonly unsafe struct Lanes512 : ILanes<Vector512<float>>
{
    /// <inheritdoc/>
    public static int Count => 16;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* target) => value.Store(target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c)
        => Avx512F.FusedMultiplyAdd(a, b, c);

    /// <inheritdoc/>
    public static void Transpose(byte* rows, long stride, NumberForm form, float* panel)
    {
        var square = Square512.Load(rows, stride);
        square.Turn();
        if (form == NumberForm.Float32)
        {
            square.StoreWords(panel);
        }
        else if (form == NumberForm.BFloat16)
        {
            square.StoreBrainPairs(panel);
        }
        else
        {
            square.StoreHalfPairs(panel);
        }
    }
}
