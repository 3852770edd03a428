using System.Xml.Linq;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests;

/// <summary>The floors of the building: what each project may see of ours, and which libraries stay out of it.</summary>
public sealed class LayeringTests
{
    private const string Torch = "TorchSharp", Orleans = "Microsoft.Orleans", AspNet = "Grpc.AspNetCore";

    private static readonly Dictionary<string, string[]> Sees = new()
    {
        ["src/LlavaCluster.Core"] = [],
        ["src/LlavaCluster.Model"] = ["LlavaCluster.Core"],
        ["src/LlavaCluster.Training"] = ["LlavaCluster.Core", "LlavaCluster.Model"],
        ["src/LlavaCluster.Grains"] = ["LlavaCluster.Core"],
        ["silo/LlavaCluster.Silo"] = ["LlavaCluster.Core", "LlavaCluster.Grains", "LlavaCluster.Model", "LlavaCluster.Training"],
        ["client/LlavaCluster.Client"] = [],
        ["tests/LlavaCluster.Core.Tests"] = ["LlavaCluster.Core"],
        ["tests/LlavaCluster.Model.Tests"] = ["LlavaCluster.Core", "LlavaCluster.Model", "LlavaCluster.Training"],
        ["tests/LlavaCluster.Cluster.Tests"] = ["LlavaCluster.Client", "LlavaCluster.Core", "LlavaCluster.Grains"],
        ["tests/LlavaCluster.Benchmarks"] =
            ["LlavaCluster.Client", "LlavaCluster.Core", "LlavaCluster.Grains", "LlavaCluster.Model", "LlavaCluster.Silo"],
    };

    private static readonly Dictionary<string, string[]> KeepsOut = new()
    {
        ["src/LlavaCluster.Core"] = [Torch, "libtorch", Orleans, AspNet, "SkiaSharp", "SixLabors"],
        ["src/LlavaCluster.Model"] = [Orleans, AspNet],
        ["src/LlavaCluster.Training"] = [Orleans, AspNet],
        ["src/LlavaCluster.Grains"] = [Torch, "libtorch", AspNet, "SkiaSharp", "SixLabors"],
        ["client/LlavaCluster.Client"] = [Torch, "libtorch", Orleans, AspNet],
        ["tests/LlavaCluster.Core.Tests"] = [Torch, "libtorch", Orleans, AspNet],
        ["tests/LlavaCluster.Model.Tests"] = [Orleans, AspNet],
        ["tests/LlavaCluster.Cluster.Tests"] = [Torch, "libtorch"],
    };

    [Fact]
    public void Solution_AllProjects_StandInTheTable()
    {
        string[] tops = ["src", "silo", "client", "tests"];
        var found = tops.SelectMany(top => Directory.EnumerateFiles(Path.Combine(GoldenFolder.Repository, top), "*.csproj", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(GoldenFolder.Repository, Path.GetDirectoryName(path)!).Replace('\\', '/'));

        Assert.Equal(Sees.Keys.Order(), found.Order());
    }

    [Fact]
    public void Projects_References_EqualTheTable()
    {
        // References that only order the build give no types, and so are no sight of another floor.
        var found = Sees.Keys.ToDictionary(
            project => project,
            project => string.Join(' ', Items(project, "ProjectReference").Where(item => (string?)item.Attribute("ReferenceOutputAssembly") != "false")
                .Select(item => Path.GetFileNameWithoutExtension((string)item.Attribute("Include")!)).Order()));

        Assert.Equal(Sees.ToDictionary(pair => pair.Key, pair => string.Join(' ', pair.Value)), found);
    }

    [Fact]
    public void Projects_Packages_StayOnTheirFloor()
    {
        var strays =
            from pair in KeepsOut
            from item in Items(pair.Key, "PackageReference")
            let package = (string)item.Attribute("Include")!
            where pair.Value.Any(prefix => package.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            select $"{pair.Key} references {package}";

        Assert.Empty(strays);
    }

    [Fact]
    public void Repository_TopLevel_IsTheFixedLayout()
    {
        string[] leftByTools = ["TestResults", "artifacts", "BenchmarkDotNet.Artifacts", "data"];
        var found = Directory.EnumerateFileSystemEntries(GoldenFolder.Repository).Select(path => Path.GetFileName(path))
            .Where(name => !name.StartsWith('.') && !leftByTools.Contains(name)).Order(StringComparer.Ordinal);
        string[] wanted =
        [
            "BannedSymbols.txt", "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "LlavaCluster.sln",
            "README.md", "client", "deploy", "global.json", "silo", "src", "tests",
        ];

        Assert.Equal(wanted.Order(StringComparer.Ordinal), found);
    }

    private static IEnumerable<XElement> Items(string project, string kind)
    {
        var file = Path.Combine(GoldenFolder.Repository, project, Path.GetFileName(project) + ".csproj");
        return XDocument.Load(file).Descendants(kind);
    }
}
