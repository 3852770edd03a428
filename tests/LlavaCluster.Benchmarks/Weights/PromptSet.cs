using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model;
using LlavaCluster.Model.Vision;
using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;

namespace LlavaCluster.Benchmarks.Weights;

/// <summary>The questions that forms of weights are compared by, as a checkpoint's own template and tokenizer make them.</summary>
/// <param name="Ids">The prompt.</param>
/// <param name="Images">Its pictures in their places.</param>
/// <param name="Features">What the vision tower made of them.</param>
internal sealed record AskedPrompt(int[] Ids, IReadOnlyList<ImageSlice> Images, IReadOnlyList<ImageFeatures> Features);

/// <summary>Makes them.</summary>
internal static class PromptSet
{
    private static readonly (string? Picture, string Question)[] Questions =
    [
        (null, "Name three things that are red."),
        (null, "Why is the sky blue? Explain it to a child in two sentences."),
        ("p300x200.png", "What is shown in this image?"),
        ("p161x184.png", "How many objects are there, and where is the largest?"),
    ];

    /// <summary>The prompts of a checkpoint.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="config">Its numbers.</param>
    /// <param name="device">Where the vision tower runs.</param>
    /// <param name="pictures">False: questions without a picture only.</param>
    public static IReadOnlyList<AskedPrompt> Of(string folder, LlavaConfig config, TensorDevice device, bool pictures)
    {
        var tokenizer = TokenizerFiles.Load(folder);
        var builder = new PromptBuilder(tokenizer, ChatTemplate.Choose(folder, config, tokenizer), config.ImageTokenId);
        var asked = new List<AskedPrompt>();
        using var weights = new CheckpointWeights(folder, config, device.Device, device.Type);
        using var tower = pictures ? new VisionEncoder(config, weights, device) : null;
        foreach (var (picture, question) in Questions.Where(q => q.Picture is null || pictures))
        {
            var features = picture is null ? [] : tower!.Encode([Tiles(config, picture)]);
            var geometry = features.Select(f => AnyResGrid.Layout(config.Images, f.Width, f.Height)).ToArray();
            IReadOnlyList<ChatPart> parts = picture is null
                ? [new ChatPart.Text(question)]
                : [new ChatPart.Image(), new ChatPart.Text(question)];
            var prompt = builder.Conversation([new ChatMessage(ChatRole.User, parts)], [.. geometry.Select(g => g.Tokens)]);
            var images = prompt.Images.Select((run, i) =>
                new ImageSlice(features[i].Image, features[i].Width, features[i].Height, 0, run.Offset, run.Length));
            asked.Add(new AskedPrompt([.. prompt.TokenIds], [.. images], features));
        }

        return asked;
    }

    private static (ImageHash Image, ImageTiles Tiles) Tiles(LlavaConfig config, string picture)
    {
        var bytes = File.ReadAllBytes(GoldenFolder.Of("pictures", picture));
        return (ImageHash.Of(bytes), new ImagePreprocessor(config.Images).Process(new ImageDecoder().Decode(bytes, new ImageLimits())));
    }
}
