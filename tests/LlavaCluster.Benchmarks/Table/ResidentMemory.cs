namespace LlavaCluster.Benchmarks.Table;

/// <summary>This process's memory as the kernel counts it.</summary>
internal static class ResidentMemory
{
    /// <summary>Resident now, bytes.</summary>
    /// <param name="collect">Garbage goes first.</param>
    public static long Now(bool collect = false)
    {
        if (collect)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
        }

        return Read("VmRSS:");
    }

    /// <summary>The most so far, bytes.</summary>
    public static long Peak() => Read("VmHWM:");

    private static long Read(string name)
    {
        var line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith(name, StringComparison.Ordinal));

        // "VmHWM:", a tab, blanks where the number is short, the number, " kB".
        return long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[^2]) * 1024;
    }
}
