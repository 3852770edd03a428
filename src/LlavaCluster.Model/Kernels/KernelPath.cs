using System.Runtime.Intrinsics.X86;
using LlavaCluster.Model.Kernels.Code;

namespace LlavaCluster.Model.Kernels;

/// <summary>Which instructions the kernels use; chosen once at start. Products have the same bits on every path.</summary>
internal enum KernelPath
{
    /// <summary>One number at a time.</summary>
    Plain,

    /// <summary>Eight numbers at a time, with fused multiply-add.</summary>
    Avx2,

    /// <summary>Sixteen numbers at a time.</summary>
    Avx512,

    /// <summary>The same; pairs of bfloat16 are widened in registers, by code that is written at start.</summary>
    Avx512Pairs,

    /// <summary>The same, with the processor's product of bfloat16 pairs.</summary>
    Avx512BFloat16,
}

/// <summary>The paths of this processor.</summary>
internal static class KernelPaths
{
    /// <summary>The fastest path that this processor has.</summary>
    public static KernelPath Best
        => BrainCode.IsSupported ? KernelPath.Avx512BFloat16
        : PairCode.IsSupported ? KernelPath.Avx512Pairs
        : Avx512F.IsSupported && Avx512BW.IsSupported ? KernelPath.Avx512
        : Avx2.IsSupported && Fma.IsSupported ? KernelPath.Avx2
        : KernelPath.Plain;

    /// <summary>All paths that this processor has, slowest first.</summary>
    public static IEnumerable<KernelPath> Available => Enum.GetValues<KernelPath>().Where(path => path <= Best);

    /// <summary>The path that computes the same widened to float32, for panels that are made of something else than stored numbers.</summary>
    public static KernelPath Widening(KernelPath path) => path > KernelPath.Avx512 ? KernelPath.Avx512 : path;

    /// <summary>The path's product of panels.</summary>
    /// <exception cref="PlatformNotSupportedException">This processor does not have it.</exception>
    public static PanelKernel Kernel(KernelPath path) => path switch
    {
        _ when path > Best => throw new PlatformNotSupportedException($"Kernels for {path} are asked for; this processor has {Best} at most."),
        KernelPath.Avx512BFloat16 => new BrainPanelKernel(),
        KernelPath.Avx512Pairs => new PairPanelKernel(),
        KernelPath.Avx512 => new Avx512PanelKernel(),
        KernelPath.Avx2 => new LanesPanelKernel<Lanes256, System.Runtime.Intrinsics.Vector256<float>>(),
        _ => new LanesPanelKernel<PlainLane, float>(),
    };
}
