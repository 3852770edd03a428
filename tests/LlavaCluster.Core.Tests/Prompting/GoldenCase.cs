using System.Text.Json;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

/// <summary>The words of a case of tests/golden/cases.</summary>
internal sealed record GoldenCase(
    string Checkpoint,
    string Name,
    string? Template,
    IReadOnlyList<ChatMessage> Messages,
    string Prompt,
    int PromptTokens,
    IReadOnlyList<int> ImageTokens,
    IReadOnlyList<int> TextIds,
    IReadOnlyList<int> AnswerIds,
    string AnswerText)
{
    /// <summary>Placeholder id of the tests; in no vocabulary.</summary>
    public const int ImageId = 1_000_000;

    /// <summary>Checkpoints with cases.</summary>
    public static TheoryData<string> Checkpoints => ["vicuna", "mistral", "yi", "llava15", "vicuna-original", "mistral-original"];

    /// <summary>Reads the cases of a checkpoint.</summary>
    public static IReadOnlyList<GoldenCase> Read(string checkpoint)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(GoldenFolder.Of("cases", $"{checkpoint}.json")));
        return [.. json.RootElement.GetProperty("cases").EnumerateArray().Select(c => Read(checkpoint, c))];
    }

    /// <summary>The tokenizer and template that the checkpoint chooses.</summary>
    public static PromptBuilder Builder(string checkpoint)
    {
        var folder = GoldenFolder.Of("checkpoints", checkpoint);
        var tokenizer = TokenizerFiles.Load(folder);
        return new PromptBuilder(tokenizer, ChatTemplate.Choose(folder, TestConfig.Of(checkpoint), tokenizer), ImageId);
    }

    /// <summary>Ids with each picture's run as one −1, as the cases write them.</summary>
    public static List<int> Collapse(Prompt prompt)
    {
        var ids = new List<int>();
        for (var i = 0; i < prompt.TokenIds.Count; i++)
        {
            if (prompt.Images.FirstOrDefault(r => r.Offset == i && r.Length > 0) is { Length: > 0 } run)
            {
                ids.Add(-1);
                i += run.Length - 1;
            }
            else
            {
                ids.Add(prompt.TokenIds[i]);
            }
        }

        return ids;
    }

    private static GoldenCase Read(string checkpoint, JsonElement c) => new(
        checkpoint,
        c.GetProperty("name").GetString()!,
        c.TryGetProperty("template", out var template) ? template.GetString() : null,
        [.. c.GetProperty("messages").EnumerateArray().Select(ReadMessage)],
        c.GetProperty("prompt").GetString()!,
        c.GetProperty("prompt_tokens").GetInt32(),
        Ints(c.GetProperty("image_tokens")),
        Ints(c.GetProperty("text_ids")),
        Ints(c.GetProperty("greedy").GetProperty("tokens")),
        c.GetProperty("greedy").GetProperty("text").GetString()!);

    private static ChatMessage ReadMessage(JsonElement message) => new(
        Enum.Parse<ChatRole>(message.GetProperty("role").GetString()!, ignoreCase: true),
        [.. message.GetProperty("content").EnumerateArray().Select(ReadPart)]);

    private static ChatPart ReadPart(JsonElement part) =>
        part.GetProperty("type").GetString() == "image" ? new ChatPart.Image() : new ChatPart.Text(part.GetProperty("text").GetString()!);

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(i => i.GetInt32())];
}

/// <summary>The fields of a checkpoint's numbers that a template is chosen by.</summary>
internal static class TestConfig
{
    /// <summary>Of a golden checkpoint, from its config.json.</summary>
    public static LlavaConfig Of(string checkpoint)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(GoldenFolder.Of("checkpoints", checkpoint, "config.json")));
        var root = json.RootElement;
        var text = root.TryGetProperty("text_config", out var found) ? found : root;
        return With(
            checkpoint.EndsWith("-original", StringComparison.Ordinal) ? CheckpointLayout.Original : CheckpointLayout.HuggingFace,
            text.GetProperty("model_type").GetString()!.Contains("mistral", StringComparison.Ordinal) ? "mistral" : "llama",
            text.GetProperty("vocab_size").GetInt32());
    }

    /// <summary>Of a checkpoint that does not exist.</summary>
    public static LlavaConfig With(CheckpointLayout layout, string modelType, int vocabulary) => new()
    {
        Kind = LlavaKind.LlavaNext,
        Layout = layout,
        Text = new TextConfig
        {
            ModelType = modelType,
            VocabularySize = vocabulary,
            Hidden = 8,
            Intermediate = 8,
            Layers = 1,
            Heads = 1,
            KvHeads = 1,
            HeadDim = 8,
            MaxPositions = 8,
            RmsEps = 1e-5,
            RopeTheta = 1e4,
        },
        Vision = null!,
        Images = null!,
        ImageTokenId = GoldenCase.ImageId,
        EosIds = [2],
        ProjectorBias = true,
    };
}
