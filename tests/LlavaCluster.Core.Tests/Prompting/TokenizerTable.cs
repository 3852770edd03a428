using System.Text.Json;
using System.Text.Json.Serialization;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Prompting.Tokenizing;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

/// <summary>A table of tests/golden/tokenizers.</summary>
internal sealed record TokenizerTable([property: JsonPropertyName("rows")] IReadOnlyList<TokenizerRow> Rows)
{
    /// <summary>Checkpoints that have a table.</summary>
    public static TheoryData<string> Names => ["vicuna", "mistral", "yi", "llava15"];

    /// <summary>Reads the table of a checkpoint.</summary>
    public static TokenizerTable Read(string name) =>
        JsonSerializer.Deserialize<TokenizerTable>(File.ReadAllBytes(GoldenFolder.Of("tokenizers", $"{name}.json")))!;

    /// <summary>The tokenizer of a golden checkpoint.</summary>
    public static ITokenizer Load(string name) => TokenizerFiles.Load(GoldenFolder.Of("checkpoints", name));

    /// <summary>The same checkpoint as if it had tokenizer.model alone.</summary>
    public static ITokenizer LoadSentencePiece(string name)
    {
        var folder = GoldenFolder.Of("checkpoints", name);
        return new SentencePieceTokenizer(
            SentencePieceModelReader.Read(Path.Combine(folder, "tokenizer.model")), TokenizerSettings.Read(folder));
    }
}

/// <summary>A string and what the reference made of it.</summary>
internal sealed record TokenizerRow(
    [property: JsonPropertyName("text")] string Text,
    [property: JsonPropertyName("ids")] int[] Ids,
    [property: JsonPropertyName("ids_without_bos")] int[] IdsWithoutBos,
    [property: JsonPropertyName("decoded")] string Decoded,
    [property: JsonPropertyName("decoded_skip_special")] string DecodedSkipSpecial,
    [property: JsonPropertyName("slow_ids")] int[]? SlowIds);
