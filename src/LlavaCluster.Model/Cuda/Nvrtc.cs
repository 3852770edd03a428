using System.Runtime.InteropServices;
using System.Text;

namespace LlavaCluster.Model.Cuda;

/// <summary>CUDA's compiler for kernels in source, as a library: nvrtc.h. Kept for the process's life.</summary>
internal sealed unsafe class Nvrtc
{
    private static readonly string[] SystemNames = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"];

    private readonly delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int> _create;
    private readonly delegate* unmanaged<nint, int, byte**, int> _compile;
    private readonly delegate* unmanaged<nint, nint*, int> _logSize;
    private readonly delegate* unmanaged<nint, byte*, int> _log;
    private readonly delegate* unmanaged<nint, nint*, int> _codeSize;
    private readonly delegate* unmanaged<nint, byte*, int> _code;
    private readonly delegate* unmanaged<nint*, int> _destroy;
    private readonly delegate* unmanaged<int, byte*> _getErrorString;

    private Nvrtc(nint library, string path)
    {
        nint Entry(string name) => NativeLibrary.TryGetExport(library, name, out var address)
            ? address
            : throw new DllNotFoundException($"{path} has no {name}: it is not NVRTC, or older than CUDA 11.1.");
        _create = (delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int>)Entry("nvrtcCreateProgram");
        _compile = (delegate* unmanaged<nint, int, byte**, int>)Entry("nvrtcCompileProgram");
        _logSize = (delegate* unmanaged<nint, nint*, int>)Entry("nvrtcGetProgramLogSize");
        _log = (delegate* unmanaged<nint, byte*, int>)Entry("nvrtcGetProgramLog");
        _codeSize = (delegate* unmanaged<nint, nint*, int>)Entry("nvrtcGetCUBINSize");
        _code = (delegate* unmanaged<nint, byte*, int>)Entry("nvrtcGetCUBIN");
        _destroy = (delegate* unmanaged<nint*, int>)Entry("nvrtcDestroyProgram");
        _getErrorString = (delegate* unmanaged<int, byte*>)Entry("nvrtcGetErrorString");
    }

    /// <summary>Opens the compiler.</summary>
    /// <param name="path">A file; null: where the loader finds it, or beside the program, where NuGet's packages put it.</param>
    /// <exception cref="DllNotFoundException">It is not there, or not NVRTC.</exception>
    public static Nvrtc Open(string? path = null)
    {
        string[] names = path is not null ? [path] : [.. SystemNames, .. Directory.GetFiles(AppContext.BaseDirectory, "libnvrtc*.so*")];
        foreach (var name in names)
        {
            if (!name.Contains("builtins", StringComparison.Ordinal) && NativeLibrary.TryLoad(name, typeof(Nvrtc).Assembly, null, out var library))
            {
                return new Nvrtc(library, name);
            }
        }

        throw new DllNotFoundException(
            $"NVRTC is not found as {string.Join(", ", names)}. Put the folder of torch's copy (nvidia/*/lib) on LD_LIBRARY_PATH, or take kernels 'torch'.");
    }

    /// <summary>Compiles to machine code.</summary>
    /// <param name="source">A file's text.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="options">The compiler's flags.</param>
    /// <exception cref="CudaException">It does not compile; the message has the compiler's words.</exception>
    public byte[] Compile(string source, string name, params string[] options)
    {
        var texts = new nint[options.Length];
        nint program = 0;
        try
        {
            fixed (byte* text = Encoding.UTF8.GetBytes(source + '\0'), file = Encoding.UTF8.GetBytes(name + '\0'))
            {
                Check(_create(&program, text, file, 0, null, null), "nvrtcCreateProgram", program: 0);
            }

            for (var i = 0; i < options.Length; i++)
            {
                texts[i] = Marshal.StringToCoTaskMemUTF8(options[i]);
            }

            fixed (nint* flags = texts)
            {
                Check(_compile(program, options.Length, (byte**)flags), $"NVRTC cannot compile {name} ({string.Join(' ', options)})", program);
            }

            nint size;
            Check(_codeSize(program, &size), "nvrtcGetCUBINSize", program);
            var code = new byte[size];
            fixed (byte* bytes = code)
            {
                Check(_code(program, bytes), "nvrtcGetCUBIN", program);
            }

            return code;
        }
        finally
        {
            Array.ForEach(texts, Marshal.FreeCoTaskMem);
            if (program != 0)
            {
                _ = _destroy(&program);
            }
        }
    }

    private void Check(int result, string what, nint program)
    {
        if (result != 0)
        {
            throw new CudaException($"{what}: {Marshal.PtrToStringUTF8((nint)_getErrorString(result))} ({result}).\n{LogOf(program)}".TrimEnd());
        }
    }

    private string LogOf(nint program)
    {
        nint size;
        if (program == 0 || _logSize(program, &size) != 0)
        {
            return "";
        }

        var log = new byte[size];
        fixed (byte* bytes = log)
        {
            return _log(program, bytes) == 0 ? Encoding.UTF8.GetString(log).TrimEnd('\0') : "";
        }
    }
}
