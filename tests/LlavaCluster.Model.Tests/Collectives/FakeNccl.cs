using System.Diagnostics;
using System.Runtime.InteropServices;
using LlavaCluster.Model.Collectives;

namespace LlavaCluster.Model.Tests.Collectives;

/// <summary>Our own small NCCL over host memory (tests/fakes/nccl), built by gcc when the first test asks for it.</summary>
internal static unsafe class FakeNccl
{
    private static readonly Lazy<NcclLibrary> Opened = new(() => NcclLibrary.Open(Build()));

    public static NcclLibrary Library => Opened.Value;

    /// <summary>The next collective call of any rank returns this.</summary>
    public static void FailNext(int result) => ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(
        NativeLibrary.Load(Library.Path), "fakeNcclFailNext"))(result);

    private static string Build()
    {
        var folder = Directory.CreateTempSubdirectory("llava-nccl").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        var (source, library) = (Path.Combine(AppContext.BaseDirectory, "nccl.c"), Path.Combine(folder, "libfakenccl.so"));
        try
        {
            using var gcc = Process.Start("gcc", ["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-pthread", "-o", library, source]);
            gcc.WaitForExit();
            return gcc.ExitCode == 0 ? library : throw new InvalidOperationException($"gcc could not build {source}: see its words above.");
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new InvalidOperationException("These tests build a small C library and need gcc (Debian: apt-get install gcc libc6-dev).", error);
        }
    }
}
