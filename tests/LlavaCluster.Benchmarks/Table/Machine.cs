namespace LlavaCluster.Benchmarks.Table;

/// <summary>What numbers depend on.</summary>
internal static class Machine
{
    /// <summary>The processor's name as the kernel tells it.</summary>
    public static string Processor()
        => File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            ?? "unknown processor";

    /// <summary>Processes that were running or wanted to, averaged over the last minute.</summary>
    public static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];
}
