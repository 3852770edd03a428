using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LlavaCluster.Model.Kernels;

/// <summary>e to the power of x, within 2 units in the last place (Cephes' polynomial). Below −87.3 it is 0.</summary>
internal static class Exponential
{
    private const float Lowest = -87.3f, Highest = 88.3f;

    /// <summary>e^x, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x) => OfNegative(Vector512.MinNative(Vector512.Create(Highest), x));

    /// <summary>e^x where no x is above 88. The constants come first in comparisons: then a NaN stays one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> OfNegative(Vector512<float> x)
    {
        var bounded = Vector512.MaxNative(Vector512.Create(Lowest), x);
        var twos = Vector512.Round(bounded * Vector512.Create(1.44269504f));
        var rest = Vector512.FusedMultiplyAdd(twos, Vector512.Create(-0.693359375f), bounded); // ln 2 in two parts
        rest = Vector512.FusedMultiplyAdd(twos, Vector512.Create(2.12194440e-4f), rest);
        var sum = Vector512.Create(1.9875691500e-4f);
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(1.3981999507e-3f));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(8.3334519073e-3f));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(4.1665795894e-2f));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(1.6666665459e-1f));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(5.0000001201e-1f));
        sum = Vector512.FusedMultiplyAdd(sum, rest * rest, rest) + Vector512<float>.One;
        var scale = (Vector512.ConvertToInt32Native(twos) + Vector512.Create(127)) << 23;
        return Vector512.ConditionalSelect(
            Vector512.LessThan(x, Vector512.Create(Lowest)), Vector512<float>.Zero, sum * scale.AsSingle());
    }
}
