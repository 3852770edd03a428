using System.Runtime.CompilerServices;

namespace LlavaCluster.Tests;

/// <summary>
/// Where the reference data lies: <c>tests/golden</c> of this checkout, found from the place of this file. Programs that run on another
/// machine than they were built on are told the checkout there by <c>LLAVA_REPOSITORY</c>.
/// </summary>
internal static class GoldenFolder
{
    /// <summary>The folder of the checkout.</summary>
    public static string Repository { get; } = Path.GetFullPath(
        Environment.GetEnvironmentVariable("LLAVA_REPOSITORY") is { Length: > 0 } told ? told : Path.Combine(Here(), "..", ".."));

    /// <summary>The path of a golden file or folder, by its parts below <c>tests/golden</c>.</summary>
    public static string Of(params string[] parts) => Path.Combine([Repository, "tests", "golden", .. parts]);

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
