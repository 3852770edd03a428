using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>
/// Sums and factors whose <c>Scalar</c> outlives the call. TorchSharp 0.107 passes a scalar's native memory to libtorch without keeping
/// the object alive, so that a collection in the middle of the call frees the number before it is read. Every <c>a + b</c> of two tensors
/// has such a scalar (its alpha of 1), every operator with a number, and <c>square</c>: modules that serve use these instead.
/// </summary>
internal static class HeldScalars
{
    private static readonly Scalar One = 1;

    /// <summary>left + right.</summary>
    public static Tensor Plus(this Tensor left, Tensor right) => left.add(right, One);

    /// <summary>left += right, in place.</summary>
    public static Tensor Gain(this Tensor left, Tensor right) => left.add_(right, One);

    /// <summary>x + number.</summary>
    public static Tensor Plus(this Tensor x, Scalar number)
    {
        var sum = x.add(number, One);
        GC.KeepAlive(number);
        return sum;
    }

    /// <summary>x × number.</summary>
    public static Tensor Times(this Tensor x, Scalar number)
    {
        var product = x.mul(number);
        GC.KeepAlive(number);
        return product;
    }

    /// <summary>true where x is below the number.</summary>
    public static Tensor IsBelow(this Tensor x, Scalar number)
    {
        var below = x.lt(number);
        GC.KeepAlive(number);
        return below;
    }

    /// <summary>Puts 0 where the mask is true, in place.</summary>
    public static Tensor ZeroWhere(this Tensor x, Tensor mask)
    {
        Scalar zero = 0;
        x.masked_fill_(mask, zero);
        GC.KeepAlive(zero);
        return x;
    }

    /// <summary>[end − start], int64: start, start + 1, …</summary>
    public static Tensor Range(long start, long end, Device device)
    {
        Scalar first = start, behind = end, step = 1;
        var range = arange(first, behind, step, dtype: ScalarType.Int64, device: device);
        GC.KeepAlive((first, behind, step));
        return range;
    }
}
