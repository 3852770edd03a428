using System.IO.Hashing;

namespace LlavaCluster.Grains.Routing;

/// <summary>
/// What conversations may have in common, by which a new one finds the replica that has computed it: its images and its system message.
/// Names are hashes of 64 bits; a false match costs a place that is as good as any.
/// </summary>
internal static class Beginnings
{
    /// <summary>The names of a conversation's.</summary>
    /// <param name="system">System message that the client gave, or null: templates' own are everybody's.</param>
    /// <param name="images">Hashes, hexadecimal digits.</param>
    public static IReadOnlyList<ulong> Of(string? system, IReadOnlyList<string> images)
    {
        var names = images.Distinct().Select(image => Name($"image {image}"));
        return [.. string.IsNullOrEmpty(system) ? names : names.Append(Name($"system {system}"))];
    }

    private static ulong Name(string what) => XxHash64.HashToUInt64(System.Text.Encoding.UTF8.GetBytes(what));
}
