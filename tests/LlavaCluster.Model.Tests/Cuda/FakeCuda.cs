using System.Diagnostics;
using LlavaCluster.Model.Cuda;

namespace LlavaCluster.Model.Tests.Cuda;

/// <summary>
/// CUDA's driver and compiler: the real ones where tests compute on a GPU, else our own small ones over host memory (tests/fakes/cuda), built
/// by gcc when the first test asks for them.
/// </summary>
internal static class FakeCuda
{
    private static readonly Lazy<(CudaDriver, Nvrtc)> Opened = new(Open);

    public static CudaDriver Driver => Opened.Value.Item1;

    public static Nvrtc Compiler => Opened.Value.Item2;

    private static (CudaDriver, Nvrtc) Open()
    {
        if (!TestDevice.IsCpu)
        {
            return (CudaDriver.Open(), Nvrtc.Open());
        }

        var folder = Directory.CreateTempSubdirectory("llava-cuda").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        var library = Path.Combine(folder, "libfakecuda.so");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "emulation.c"), Path.Combine(folder, "emulation.c"));
        try
        {
            using var gcc = Process.Start(
                "gcc", ["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-pthread", "-o", library, Path.Combine(AppContext.BaseDirectory, "cuda.c")]);
            gcc.WaitForExit();
            return gcc.ExitCode == 0
                ? (CudaDriver.Open(library), Nvrtc.Open(library))
                : throw new InvalidOperationException("gcc could not build tests/fakes/cuda: see its words above.");
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new InvalidOperationException("These tests build a small C library and need gcc (Debian: apt-get install gcc libc6-dev).", error);
        }
    }
}
