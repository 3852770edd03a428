namespace LlavaCluster.Silo.Hosting;

/// <summary>Memory that this process may still take.</summary>
internal static class FreeMemory
{
    /// <summary>
    /// Host memory, bytes: what the kernel calls available, within the limit that the process runs under.
    /// </summary>
    public static long OfHost()
    {
        var limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Environment.WorkingSet;
        return Math.Max(0, Math.Min(limit, Available() ?? limit));
    }

    private static long? Available()
    {
        const string Key = "MemAvailable:";
        var line = File.Exists("/proc/meminfo")
            ? File.ReadLines("/proc/meminfo").FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal))
            : null;
        return line?[Key.Length..].Trim().Split(' ')[0] is { } kibibytes ? long.Parse(kibibytes) << 10 : null;
    }
}
