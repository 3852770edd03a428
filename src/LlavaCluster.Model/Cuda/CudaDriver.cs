using System.Runtime.InteropServices;

namespace LlavaCluster.Model.Cuda;

/// <summary>The entry points of CUDA's driver that start our own kernels, by their names in cuda.h. Kept for the process's life.</summary>
internal sealed unsafe class CudaDriver
{
    private const string SystemName = "libcuda.so.1";
    private const int CapabilityMajor = 75, CapabilityMinor = 76;

    private readonly delegate* unmanaged<int*, int, int> _deviceGet;
    private readonly delegate* unmanaged<int*, int, int, int> _deviceGetAttribute;
    private readonly delegate* unmanaged<nint*, int, int> _primaryContextRetain;
    private readonly delegate* unmanaged<nint, int> _contextSetCurrent;
    private readonly delegate* unmanaged<nuint*, nuint*, int> _memGetInfo;
    private readonly delegate* unmanaged<nint*, byte*, int> _moduleLoadData;
    private readonly delegate* unmanaged<nint*, nint, byte*, int> _moduleGetFunction;
    private readonly delegate* unmanaged<nint, int> _moduleUnload;
    private readonly delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int> _launch;
    private readonly delegate* unmanaged<int, byte**, int> _getErrorString;

    private CudaDriver(nint library, string path)
    {
        nint Entry(string name) => NativeLibrary.TryGetExport(library, name, out var address)
            ? address
            : throw new DllNotFoundException($"{path} has no {name}: it is not CUDA's driver.");
        _deviceGet = (delegate* unmanaged<int*, int, int>)Entry("cuDeviceGet");
        _deviceGetAttribute = (delegate* unmanaged<int*, int, int, int>)Entry("cuDeviceGetAttribute");
        _primaryContextRetain = (delegate* unmanaged<nint*, int, int>)Entry("cuDevicePrimaryCtxRetain");
        _contextSetCurrent = (delegate* unmanaged<nint, int>)Entry("cuCtxSetCurrent");
        _memGetInfo = (delegate* unmanaged<nuint*, nuint*, int>)Entry("cuMemGetInfo_v2");
        _moduleLoadData = (delegate* unmanaged<nint*, byte*, int>)Entry("cuModuleLoadData");
        _moduleGetFunction = (delegate* unmanaged<nint*, nint, byte*, int>)Entry("cuModuleGetFunction");
        _moduleUnload = (delegate* unmanaged<nint, int>)Entry("cuModuleUnload");
        _launch = (delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)Entry("cuLaunchKernel");
        _getErrorString = (delegate* unmanaged<int, byte**, int>)Entry("cuGetErrorString");
        Check(((delegate* unmanaged<uint, int>)Entry("cuInit"))(0), "cuInit");
    }

    /// <summary>Opens the driver.</summary>
    /// <param name="path">A file; null: the system's.</param>
    /// <exception cref="DllNotFoundException">It is not there, or not CUDA's driver.</exception>
    public static CudaDriver Open(string? path = null)
        => NativeLibrary.TryLoad(path ?? SystemName, typeof(CudaDriver).Assembly, null, out var library)
            ? new CudaDriver(library, path ?? SystemName)
            : throw new DllNotFoundException($"CUDA's driver is not found as {path ?? SystemName}: install NVIDIA's driver, or take kernels 'torch'.");

    /// <summary>The context that torch uses on a GPU too. It is never given back, as torch's is not.</summary>
    /// <param name="gpu">Number of the GPU, as torch counts.</param>
    public nint Context(int gpu)
    {
        int device;
        nint context;
        Check(_deviceGet(&device, gpu), "cuDeviceGet");
        Check(_primaryContextRetain(&context, device), "cuDevicePrimaryCtxRetain");
        return context;
    }

    /// <summary>What a GPU's machine code is compiled for: 90 for 9.0.</summary>
    /// <param name="gpu">Number of the GPU, as torch counts.</param>
    public int Capability(int gpu)
    {
        int device, major, minor;
        Check(_deviceGet(&device, gpu), "cuDeviceGet");
        Check(_deviceGetAttribute(&major, CapabilityMajor, device), "cuDeviceGetAttribute");
        Check(_deviceGetAttribute(&minor, CapabilityMinor, device), "cuDeviceGetAttribute");
        return (10 * major) + minor;
    }

    /// <summary>Memory of a GPU that nobody has, bytes. Its context becomes the calling thread's.</summary>
    /// <param name="gpu">Number of the GPU, as torch counts.</param>
    public long FreeBytes(int gpu)
    {
        nuint free, total;
        Use(Context(gpu));
        Check(_memGetInfo(&free, &total), "cuMemGetInfo");
        return (long)free;
    }

    /// <summary>Makes a context the calling thread's.</summary>
    public void Use(nint context) => Check(_contextSetCurrent(context), "cuCtxSetCurrent");

    /// <summary>Brings machine code to the GPU of the thread's context.</summary>
    /// <param name="code">What the compiler made.</param>
    /// <param name="name">The function's name in the source.</param>
    /// <returns>The module, for <see cref="Unload"/>, and the function, for <see cref="Launch"/>.</returns>
    public (nint Module, nint Function) Load(ReadOnlySpan<byte> code, string name)
    {
        nint module, function;
        fixed (byte* bytes = code)
        {
            Check(_moduleLoadData(&module, bytes), "cuModuleLoadData");
        }

        var text = Marshal.StringToCoTaskMemUTF8(name);
        try
        {
            Check(_moduleGetFunction(&function, module, (byte*)text), "cuModuleGetFunction");
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }

        return (module, function);
    }

    /// <summary>Drops a module; what still runs of it is waited for.</summary>
    public void Unload(nint module) => Check(_moduleUnload(module), "cuModuleUnload");

    /// <summary>Enqueues a function of one parameter on the thread's context.</summary>
    /// <param name="function">From <see cref="Load"/>.</param>
    /// <param name="blocks">Thread blocks in three directions, each at least 1.</param>
    /// <param name="threads">Threads of each.</param>
    /// <param name="stream">cudaStream_t.</param>
    /// <param name="parameter">Copied before this returns.</param>
    public void Launch(nint function, (int X, int Y, int Z) blocks, int threads, nint stream, void* parameter)
        => Check(
            _launch(function, (uint)blocks.X, (uint)blocks.Y, (uint)blocks.Z, (uint)threads, 1, 1, 0, stream, &parameter, null), "cuLaunchKernel");

    private void Check(int result, string call)
    {
        if (result != 0)
        {
            byte* text = null;
            _ = _getErrorString(result, &text);
            throw new CudaException($"{call}: {Marshal.PtrToStringUTF8((nint)text) ?? "unknown error"} ({result}).");
        }
    }
}

/// <summary>CUDA refuses a call, or a kernel does not compile.</summary>
internal sealed class CudaException(string message) : Exception(message);
