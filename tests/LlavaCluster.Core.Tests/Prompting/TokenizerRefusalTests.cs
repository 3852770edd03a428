using System.Text.Json.Nodes;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

public sealed class TokenizerRefusalTests
{
    [Fact]
    public void Load_FolderWithoutTokenizer_SaysWhatIsMissing()
    {
        using var folder = new TokenizerFolder();

        Assert.Equal(
            $"{folder.Path} has neither tokenizer.json nor tokenizer.model. Copy the tokenizer's files into the checkpoint folder.",
            Error(folder));
    }

    [Theory]
    [InlineData("normalizer", """{"type": "NFC"}""", "a normalizer of type NFC is not known; this program reads Sequence, Prepend, Replace and Strip")]
    [InlineData("normalizer", """{"type": "Replace", "pattern": {"Regex": "a|b"}, "content": ""}""",
        """a Replace of {"Regex":"a|b"} is not known; this program reads {"String": "text"}""")]
    [InlineData("pre_tokenizer", """{"type": "ByteLevel"}""", "a pre_tokenizer of type ByteLevel is not known; this program reads Metaspace")]
    [InlineData("pre_tokenizer", """{"type": "Metaspace", "prepend_scheme": "last"}""", "a prepend_scheme last is not known; it is always, first or never")]
    [InlineData("decoder", """{"type": "WordPiece"}""",
        "a decoder of type WordPiece is not known; this program reads Sequence, Replace, ByteFallback, Fuse, Strip and Metaspace")]
    [InlineData("decoder", """{"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "ByteFallback"}]}""",
        "the decoder's ByteFallback after Fuse is not known; this program reads it before Fuse")]
    [InlineData("post_processor", """{"type": "BertProcessing"}""",
        "a post_processor of type BertProcessing is not known; this program reads TemplateProcessing and Sequence")]
    public void Load_UnknownPart_IsRefusedByName(string part, string json, string expected)
    {
        using var folder = TokenizerFolder.Json(j => j[part] = JsonNode.Parse(json));

        Assert.Equal($"{Path.Combine(folder.Path, "tokenizer.json")}: {expected}.", Error(folder));
    }

    [Theory]
    [InlineData("type", "\"WordPiece\"", "a model of type WordPiece is not known; this program reads BPE")]
    [InlineData("merges", """["a b c"]""", "merge 0 is not a pair: \"a b c\"")]
    [InlineData("merges", """[["a", "b"], ["b", "a"]]""", "merge 1 joins \"b\" and \"a\", and one of the three is not in the vocabulary")]
    [InlineData("unk_token", "\"<no>\"", "unk_token \"<no>\" is not in the vocabulary")]
    [InlineData("continuing_subword_prefix", "\"##\"", "continuing_subword_prefix \"##\" is not known; this program reads models without it")]
    [InlineData("dropout", "0.1", "dropout 0.1 makes ids a matter of chance; set it to null")]
    public void Load_UnknownModel_IsRefusedByName(string field, string json, string expected)
    {
        using var folder = TokenizerFolder.Json(j => j["model"]![field] = JsonNode.Parse(json));

        Assert.Equal($"{Path.Combine(folder.Path, "tokenizer.json")}: {expected}.", Error(folder));
    }

    [Theory]
    [InlineData("{\"added_tokens\": [")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"model\": {\"vocab\": {\"a\": \"b\"}, \"merges\": []}}")]
    [InlineData("{\"added_tokens\": [{\"id\": 0, \"content\": null}], \"model\": {\"vocab\": {}, \"merges\": []}}")]
    public void Load_DamagedJson_SaysWhichFile(string text)
    {
        using var folder = new TokenizerFolder().Write("tokenizer.json", text);

        Assert.StartsWith($"{Path.Combine(folder.Path, "tokenizer.json")} is not a tokenizer.json: ", Error(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_DamagedSettings_SayWhichFile()
    {
        using var broken = TokenizerFolder.SentencePiece("vicuna", "{");
        using var wrong = TokenizerFolder.SentencePiece("vicuna", """{"legacy": "yes"}""");

        Assert.StartsWith($"{Path.Combine(broken.Path, "tokenizer_config.json")} is not JSON: ", Error(broken), StringComparison.Ordinal);
        Assert.StartsWith($"{wrong.Path}: tokenizer_config.json, ", Error(wrong), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_TruncatedSentencePieceModel_NamesTheFile()
    {
        var bytes = File.ReadAllBytes(GoldenFolder.Of("checkpoints", "vicuna", "tokenizer.model"));
        using var folder = new TokenizerFolder();
        var file = Path.Combine(folder.Path, "tokenizer.model");
        foreach (var length in new[] { bytes.Length - 1, 1000, 1 })
        {
            folder.Write("tokenizer.model", bytes[..length]);
            Assert.StartsWith($"{file} is not a SentencePiece model: ", Error(folder), StringComparison.Ordinal);
        }

        folder.Write("tokenizer.model", []);
        Assert.Equal($"{file}: a SentencePiece model without pieces.", Error(folder));
    }

    /// <summary>Every damaged model either loads or is refused in words.</summary>
    [Fact]
    public void Load_MutatedSentencePieceModel_NeverFailsOtherwise()
    {
        var bytes = File.ReadAllBytes(GoldenFolder.Of("checkpoints", "vicuna", "tokenizer.model"));
        var random = new Random(9);
        using var folder = new TokenizerFolder();
        for (var i = 0; i < 60; i++)
        {
            var changed = bytes.ToArray();
            for (var n = 0; n < 5; n++)
            {
                changed[random.Next(n < 3 ? changed.Length : 300)] = (byte)random.Next(256);
            }

            folder.Write("tokenizer.model", changed);
            if (Record.Exception(() => folder.Load().Encode("Hello 世界", bos: true)) is { } error)
            {
                Assert.IsType<BadCheckpointException>(error);
            }
        }
    }

    [Fact]
    public void Load_UnigramModel_IsRefusedByName()
    {
        // Piece "a"; trainer_spec with model_type 1.
        using var folder = new TokenizerFolder().Write("tokenizer.model", [0x0A, 0x03, 0x0A, 0x01, (byte)'a', 0x12, 0x02, 0x18, 0x01]);

        Assert.Equal(
            $"{Path.Combine(folder.Path, "tokenizer.model")}: a SentencePiece model of type UNIGRAM is not known; this program reads BPE.", Error(folder));
    }

    [Fact]
    public void Load_CharacterMap_IsRefusedByName()
    {
        // As above with type 2, and a normalizer_spec of name "nmt" with a map of two bytes.
        using var folder = new TokenizerFolder().Write(
            "tokenizer.model",
            [0x0A, 0x03, 0x0A, 0x01, (byte)'a', 0x12, 0x02, 0x18, 0x02, 0x1A, 0x09, 0x0A, 0x03, .. "nmt"u8, 0x12, 0x02, 1, 2]);

        Assert.Equal(
            $"{Path.Combine(folder.Path, "tokenizer.model")}: normalizer \"nmt\" has a character map of 2 bytes; "
            + "this program reads models without one (identity).",
            Error(folder));
    }

    private static string Error(TokenizerFolder folder) => Assert.Throws<BadCheckpointException>(() => folder.Load()).Message;
}
