using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Model.Vision;
using LlavaCluster.Silo.Commands;
using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Inspection;

/// <summary>
/// Runs cases through the code that serves, and tells what came of every stage: prompt, ids, pixels, greedy answer.
/// </summary>
internal sealed class CaseInspector(ServedModel model, ImageLimits limits, EngineSet engines, LocalFeatures features)
{
    private readonly ImageDecoder _decoder = new();
    private readonly ImagePreprocessor _preprocessor = new(model.Config.Images);

    /// <summary>One case.</summary>
    /// <param name="given">The case.</param>
    /// <param name="pictures">Folder of its pictures.</param>
    /// <param name="maxNewTokens">Longest answer.</param>
    /// <param name="cancellationToken">Ends the answer.</param>
    /// <returns>The case with our findings in place of the reference's.</returns>
    public async Task<JsonObject> InspectAsync(
        InspectedCase given, string pictures, int maxNewTokens, CancellationToken cancellationToken)
    {
        var result = new JsonObject { ["name"] = given.Name };
        foreach (var key in new[] { "template", "messages", "images" })
        {
            if (given.Source[key] is { } node)
            {
                result[key] = node.DeepClone();
            }
        }

        var files = given.Images.Select(name => ReadPicture(Path.Combine(pictures, name))).ToArray();
        var headers = files.Select(file => ImageHeader.Read(file, limits)).ToArray();
        var tokens = headers.Select(h => AnyResGrid.Layout(model.Config.Images, h.Width, h.Height).Tokens).ToArray();
        var prompts = given.Template is { } name ? model.PromptsBy(ServedModel.TemplateOf(name)) : model.Prompts;
        var prompt = prompts.Conversation(given.Messages, tokens);
        result["prompt"] = prompt.Text;
        result["prompt_tokens"] = prompt.TokenIds.Count;
        result["image_tokens"] = Numbers(tokens);
        result["text_ids"] = Numbers(TextIds(prompt));
        result["pixels"] = new JsonArray(
            [.. files.Select(file => Pixels(_preprocessor.Process(_decoder.Decode(file, limits))))]);
        var spans = prompt.Images.Select(
            (run, i) => new ImageSpan(run.Offset, run.Length, features.Add(files[i]), headers[i].Width, headers[i].Height));
        result["greedy"] = await AnswerAsync(new SequenceRequest
        {
            Name = given.Name,
            TokenIds = prompt.TokenIds,
            Images = [.. spans],
            Sampling = SamplingOptions.Greedy with { LogProbs = 0 },
            Seed = 0,
            Turn = 0,
            MaxTokens = maxNewTokens,
        }, cancellationToken);
        return result;
    }

    private async Task<JsonObject> AnswerAsync(SequenceRequest request, CancellationToken cancellationToken)
    {
        var tokens = new List<SampledToken>();
        var text = new StringBuilder();
        var endsWithEos = false;
        await foreach (var what in engines.Decoder!.GenerateAsync(request, cancellationToken))
        {
            if (what is GenerationEvent.Generated generated)
            {
                tokens.AddRange(generated.Tokens);
                text.Append(generated.Text);
            }
            else if (what is GenerationEvent.Finished finished)
            {
                text.Append(finished.Text);
                if (finished.Reason == FinishReason.Failed)
                {
                    throw new UserErrorException("the engine failed");
                }

                if (finished.End is { } end)
                {
                    // The references count the end-of-sequence id among the tokens.
                    tokens.Add(end);
                    endsWithEos = true;
                }
            }
        }

        return new JsonObject
        {
            ["tokens"] = Numbers(tokens.Select(t => t.Id)),
            ["text"] = text.ToString(),
            ["ends_with_eos"] = endsWithEos,
            ["logprobs"] = new JsonArray([.. tokens.Select(t => JsonValue.Create(MathF.Round(t.LogProb, 4)))]),
        };
    }

    /// <summary>Ids with each picture's run of tokens as one −1.</summary>
    private static IEnumerable<int> TextIds(Prompt prompt)
    {
        var next = 0;
        foreach (var run in prompt.Images)
        {
            for (; next < run.Offset; next++)
            {
                yield return prompt.TokenIds[next];
            }

            yield return -1;
            next += run.Length;
        }

        for (; next < prompt.TokenIds.Count; next++)
        {
            yield return prompt.TokenIds[next];
        }
    }

    private static JsonObject Pixels(ImageTiles tiles)
    {
        var tileBytes = 3 * tiles.Side * tiles.Side;
        var byTile = Enumerable.Range(0, tiles.Count).Select(
            i => JsonValue.Create(Hash(tiles.Bytes.AsSpan(i * tileBytes, tileBytes))));
        return new JsonObject
        {
            ["shape"] = Numbers([tiles.Count, 3, tiles.Side, tiles.Side]),
            ["sha256_float32"] = Hash(MemoryMarshal.AsBytes(tiles.Normalised().AsSpan())),
            ["sha256_uint8"] = Hash(tiles.Bytes),
            ["tile_sha256_uint8"] = new JsonArray([.. byTile]),
        };
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static JsonArray Numbers(IEnumerable<int> numbers) => [.. numbers.Select(n => JsonValue.Create(n))];

    private static byte[] ReadPicture(string path) =>
        File.Exists(path) ? File.ReadAllBytes(path) : throw new UserErrorException($"There is no picture '{path}'.");
}
