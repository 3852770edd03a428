using System.Text.Json;
using LlavaCluster.Tests;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>What the model tests use of a golden case.</summary>
internal sealed record GoldenCase(string Name, int[] TokenIds, IReadOnlyList<(string File, int At, int Length)> Images, int[] Tokens, double[] LogProbs)
{
    /// <summary>The cases of a checkpoint; each picture's −1 is expanded to its run of placeholders.</summary>
    public static IReadOnlyList<GoldenCase> Of(string checkpoint, int placeholder)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(GoldenFolder.Of("cases", checkpoint + ".json")));
        return [.. json.RootElement.GetProperty("cases").EnumerateArray().Select(e => Read(e, placeholder))];
    }

    private static GoldenCase Read(JsonElement golden, int placeholder)
    {
        var files = golden.GetProperty("images").EnumerateArray().Select(e => e.GetString()!).ToArray();
        var lengths = Ints(golden.GetProperty("image_tokens"));
        var (ids, images) = (new List<int>(), new List<(string, int, int)>());
        foreach (var id in Ints(golden.GetProperty("text_ids")))
        {
            if (id >= 0)
            {
                ids.Add(id);
                continue;
            }

            images.Add((files[images.Count], ids.Count, lengths[images.Count]));
            ids.AddRange(Enumerable.Repeat(placeholder, lengths[images.Count - 1]));
        }

        var greedy = golden.GetProperty("greedy");
        return new GoldenCase(
            golden.GetProperty("name").GetString()!,
            [.. ids],
            images,
            Ints(greedy.GetProperty("tokens")),
            [.. greedy.GetProperty("logprobs").EnumerateArray().Select(e => e.GetDouble())]);
    }

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(e => e.GetInt32())];
}
