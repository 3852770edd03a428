using System.Text.RegularExpressions;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests;

/// <summary>Every public type, and every member of a public interface, says what it is. Read from the source text of all floors.</summary>
public sealed partial class DocCommentTests
{
    [Fact]
    public void PublicTypes_InAllFloors_HaveDocComments()
    {
        var bare =
            from file in SourceFiles()
            let lines = File.ReadAllLines(file)
            from index in Enumerable.Range(0, lines.Length)
            where PublicType().IsMatch(lines[index]) && !HasComment(lines, index)
            select $"{Path.GetRelativePath(GoldenFolder.Repository, file)}:{index + 1} {lines[index].Trim()}";

        Assert.Empty(bare);
    }

    [Fact]
    public void InterfaceMembers_InAllFloors_HaveDocComments()
    {
        var bare =
            from file in SourceFiles()
            let lines = File.ReadAllLines(file)
            from index in InterfaceMembers(lines)
            where !HasComment(lines, index)
            select $"{Path.GetRelativePath(GoldenFolder.Repository, file)}:{index + 1} {lines[index].Trim()}";

        Assert.Empty(bare);
    }

    private static IEnumerable<string> SourceFiles() =>
        new[] { "src", "silo", "client" }.SelectMany(top => Directory.EnumerateFiles(Path.Combine(GoldenFolder.Repository, top), "*.cs", SearchOption.AllDirectories))
            .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/") && !path.EndsWith(".task.cs", StringComparison.Ordinal));

    /// <summary>Lines, four blanks deep inside an interface, on which a member begins.</summary>
    private static IEnumerable<int> InterfaceMembers(string[] lines)
    {
        var inside = false;
        for (var index = 0; index < lines.Length; index++)
        {
            if (Interface().IsMatch(lines[index]))
            {
                inside = true;
            }
            else if (lines[index] == "}")
            {
                inside = false;
            }
            else if (inside && Member().IsMatch(lines[index]))
            {
                yield return index;
            }
        }
    }

    private static bool HasComment(string[] lines, int index)
    {
        do
        {
            index--;
        }
        while (index >= 0 && lines[index].TrimStart().StartsWith('['));
        return index >= 0 && lines[index].TrimStart().StartsWith("///", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^\s*public (static |sealed |abstract |readonly |partial |unsafe |ref )*(class|interface|struct|record|enum) ")]
    private static partial Regex PublicType();

    [GeneratedRegex(@"^(public |internal )(partial )?interface ")]
    private static partial Regex Interface();

    [GeneratedRegex(@"^    [A-Za-z(].*[;{(,]$")]
    private static partial Regex Member();
}
