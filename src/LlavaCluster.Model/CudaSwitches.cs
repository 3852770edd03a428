using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace LlavaCluster.Model;

/// <summary>
/// Switches of torch on GPUs, for the whole process. Float32 stays exact: no products in TF32. Attention does not go through cuDNN, which
/// torch prefers on Hopper: it plans anew for every length of a context, and an answer's context grows with each token. TorchSharp has no
/// name for the second, so it is set through two C++ functions that libtorch exports.
/// </summary>
internal static unsafe class CudaSwitches
{
    private const string Context = "_ZN2at13globalContextEv", UseCuDnn = "_ZN2at7Context14setSDPUseCuDNNEb";

    private static readonly Lazy<bool> Known = new(Set);

    /// <summary>Once, before the first tensor goes to a GPU.</summary>
    /// <returns>Whether torch knew both.</returns>
    public static bool Apply() => Known.Value;

    private static bool Set()
    {
        backends.cuda.matmul.allow_tf32 = false;
        if (!NativeLibrary.TryLoad("libtorch_cpu.so", typeof(CudaSwitches).Assembly, null, out var library)
            || !NativeLibrary.TryGetExport(library, Context, out var context)
            || !NativeLibrary.TryGetExport(library, UseCuDnn, out var use))
        {
            return false;
        }

        ((delegate* unmanaged<nint, byte, void>)use)(((delegate* unmanaged<nint>)context)(), 0);
        return true;
    }
}
