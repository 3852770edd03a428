using System.Runtime.InteropServices;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// Torch's current CUDA stream, which TorchSharp does not tell: through two C++ functions that torch's library exports. Work enqueued there
/// runs after torch's own before it and before torch's own after it, without waiting on the host.
/// </summary>
internal static unsafe class CudaStream
{
    private static readonly Lazy<nint> Library = new(() => NativeLibrary.Load("libc10_cuda.so", typeof(CudaStream).Assembly, null));

    /// <summary>The cudaStream_t of this thread's current stream on a device; 0 is the legacy stream.</summary>
    public static nint Current(int device)
    {
        var current = (delegate* unmanaged<sbyte, Handle>)NativeLibrary.GetExport(Library.Value, "_ZN3c104cuda20getCurrentCUDAStreamEa");
        var stream = (delegate* unmanaged<Handle*, nint>)NativeLibrary.GetExport(Library.Value, "_ZNK3c104cuda10CUDAStream6streamEv");
        var handle = current((sbyte)device);
        return stream(&handle);
    }

    /// <summary>Makes a device the calling thread's current one: for libraries that go by it, as torch's own operators do not.</summary>
    public static void UseDevice(int device)
    {
        // The second argument came with torch 2.11; the register that it travels in is set in any case.
        if (!NativeLibrary.TryGetExport(Library.Value, "_ZN3c104cuda10set_deviceEab", out var set))
        {
            set = NativeLibrary.GetExport(Library.Value, "_ZN3c104cuda10set_deviceEa");
        }

        ((delegate* unmanaged<sbyte, byte, void>)set)((sbyte)device, 0);
    }

    /// <summary>c10::cuda::CUDAStream: 16 bytes that travel in two registers.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Handle
    {
        public long DeviceAndType;
        public long Id;
    }
}
