using System.Diagnostics;
using LlavaCluster.Model;
using LlavaCluster.Model.Kernels;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>What numbers depend on.</summary>
internal static class Machine
{
    /// <summary>The processor's name as the kernel tells it.</summary>
    public static string Processor()
        => File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            ?? "unknown processor";

    /// <summary>Who computes the table.</summary>
    public static string Of(TableRun run) => run.Device.IsCpu
        ? $"{Processor()}, {run.Threads} threads, {KernelPaths.Best}"
        : $"{Gpu()}, kernels {run.Kernels ?? ModelRunnerOptions.DefaultKernels(run.Device)}, {Processor()}";

    /// <summary>Processes that were running or wanted to, averaged over the last minute.</summary>
    public static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    /// <summary>Name and driver of the first GPU, as its own tool tells them.</summary>
    private static string Gpu()
    {
        var info = new ProcessStartInfo("nvidia-smi", ["--query-gpu=name,driver_version", "--format=csv,noheader"]) { RedirectStandardOutput = true };
        using var process = Process.Start(info)!;
        return process.StandardOutput.ReadLine() ?? "unknown GPU";
    }
}
