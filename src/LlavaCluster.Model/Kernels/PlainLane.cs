using System.Runtime.CompilerServices;

namespace LlavaCluster.Model.Kernels;

/// <summary>One number at a time, for processors without AVX2.</summary>
internal readonly unsafe struct PlainLane : ILanes<float>
{
    /// <inheritdoc/>
    public static int Count => 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(float* source) => *source;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float value, float* target) => *target = value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Broadcast(float value) => value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MultiplyAdd(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    /// <inheritdoc/>
    public static void Transpose(byte* rows, long stride, NumberForm form, float* panel)
    {
        if (form == NumberForm.Float32)
        {
            *panel = *(float*)rows;
            return;
        }

        var pair = (ushort*)rows;
        (panel[0], panel[1]) = (Numbers.Widen(form, pair[1]), Numbers.Widen(form, pair[0]));
    }
}
