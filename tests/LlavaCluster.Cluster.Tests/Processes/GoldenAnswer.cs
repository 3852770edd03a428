using System.Text.Json;
using LlavaCluster.Tests;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>The reference's greedy answer to a golden case.</summary>
internal sealed record GoldenAnswer(
    int PromptTokens, IReadOnlyList<int> ImageTokens, IReadOnlyList<int> Tokens, string Text)
{
    /// <summary>The answer to a case of a checkpoint.</summary>
    public static GoldenAnswer Read(string checkpoint, string name)
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(GoldenFolder.Of("cases", $"{checkpoint}.json")));
        var one = file.RootElement.GetProperty("cases").EnumerateArray().Single(
            c => c.GetProperty("name").GetString() == name);
        var greedy = one.GetProperty("greedy");
        return new GoldenAnswer(
            one.GetProperty("prompt_tokens").GetInt32(),
            Numbers(one.GetProperty("image_tokens")),
            Numbers(greedy.GetProperty("tokens")),
            greedy.GetProperty("text").GetString()!);
    }

    private static int[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(n => n.GetInt32())];
}
