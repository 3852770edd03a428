using System.Text.Json;
using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Model.Weights;

/// <summary>What a synthetic checkpoint must know of the tokenizer that it gets.</summary>
/// <param name="Count">One past the highest id; 0 when there is no tokenizer.json to count in.</param>
/// <param name="Image">Id of <c>&lt;image&gt;</c>, or null.</param>
internal readonly record struct TokenizerIds(int Count, int? Image)
{
    /// <summary>Reads them from <c>tokenizer.json</c>.</summary>
    public static TokenizerIds Read(string folder)
    {
        var file = Path.Combine(folder, "tokenizer.json");
        if (!File.Exists(file))
        {
            return default;
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var pieces = document.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject().Select(p => p.Value.GetInt32());
            var added = document.RootElement.GetProperty("added_tokens").EnumerateArray()
                .Select(t => (Text: t.GetProperty("content").GetString(), Id: t.GetProperty("id").GetInt32()))
                .ToArray();
            var image = added.Where(t => t.Text == "<image>").Select(t => (int?)t.Id).FirstOrDefault();
            return new TokenizerIds(pieces.Concat(added.Select(t => t.Id)).Append(-1).Max() + 1, image);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new BadCheckpointException($"{file}: is no tokenizer of the tokenizers library: {e.Message}", e);
        }
    }
}
