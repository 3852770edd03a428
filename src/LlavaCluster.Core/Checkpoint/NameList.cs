namespace LlavaCluster.Core.Checkpoint;

/// <summary>Names in a message: the first ten, and how many more.</summary>
internal static class NameList
{
    private const int Most = 10;

    /// <summary>"a, b, c and 7 more".</summary>
    public static string Show(IReadOnlyCollection<string> names) =>
        names.Count <= Most ? string.Join(", ", names) : $"{string.Join(", ", names.Take(Most))} and {names.Count - Most} more";
}
