using LlavaCluster.Tests;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>The programs as the build left them, of the same configuration as these tests.</summary>
internal static class BuiltProgram
{
    /// <summary>The silo's program.</summary>
    public static string Silo { get; } = PathOf("silo", "LlavaCluster.Silo", "llava-silo");

    /// <summary>The client's program.</summary>
    public static string Client { get; } = PathOf("client", "LlavaCluster.Client", "llava");

    private static string PathOf(string top, string project, string program)
    {
        // …/tests/LlavaCluster.Cluster.Tests/bin/Debug/net10.0/linux-x64/ → Debug/net10.0/linux-x64
        var parts = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory).Split(Path.DirectorySeparatorChar);
        var tail = parts[(Array.LastIndexOf(parts, "bin") + 1)..];
        return Path.Combine([GoldenFolder.Repository, top, project, "bin", .. tail, program]);
    }
}
