using System.Text.Json.Nodes;
using LlavaCluster.Core.Prompting;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

public sealed class JsonTokenizerTests
{
    [Fact]
    public void Encode_MergesAsTexts_AreTheSameRules()
    {
        using var folder = TokenizerFolder.Json(j => j["model"]!["merges"] = new JsonArray("a b", "▁ ab"));

        Assert.Equal([1, 6, 2, 3], folder.Load().Encode("ab a", bos: true));
    }

    [Theory]
    [InlineData("always", true, "ab<s>ab", new[] { 6, 1, 6 })]
    [InlineData("first", true, "ab<s>ab", new[] { 6, 1, 5 })]
    [InlineData("never", false, "ab<s>ab", new[] { 5, 1, 5 })]
    [InlineData("first", false, "<s>ab ab", new[] { 1, 5, 6 })]
    [InlineData("always", true, " ab", new[] { 6 })]
    [InlineData("always", true, "  ab", new[] { 2, 6 })]
    public void Encode_Metaspace_FollowsItsScheme(string scheme, bool split, string text, int[] expected)
    {
        using var folder = TokenizerFolder.Json(j =>
        {
            j["pre_tokenizer"]!["prepend_scheme"] = scheme;
            j["pre_tokenizer"]!["split"] = split;
        });

        Assert.Equal(expected, folder.Load().Encode(text, bos: false));
    }

    [Theory]
    [InlineData(true, new[] { 6, 1, 6 })]
    [InlineData(false, new[] { 5, 1, 5 })]
    public void Encode_MetaspaceOfOlderFiles_FollowsTheFlag(bool addPrefixSpace, int[] expected)
    {
        using var folder = TokenizerFolder.Json(j => j["pre_tokenizer"] =
            new JsonObject { ["type"] = "Metaspace", ["replacement"] = "▁", ["add_prefix_space"] = addPrefixSpace });

        Assert.Equal(expected, folder.Load().Encode("ab<s>ab", bos: false));
    }

    [Fact]
    public void Encode_PieceThatCrossesASplit_IsNeverMade()
    {
        using var whole = TokenizerFolder.Json(AddPiece);
        using var split = TokenizerFolder.Json(j =>
        {
            AddPiece(j);
            j["pre_tokenizer"]!["split"] = true;
        });

        Assert.Equal([2, 10], whole.Load().Encode("a b", bos: false));
        Assert.Equal([2, 3, 2, 4], split.Load().Encode("a b", bos: false));

        static void AddPiece(JsonObject json)
        {
            json["model"]!["vocab"]!["a▁"] = 11;
            json["model"]!["vocab"]!["a▁b"] = 10;
            json["model"]!["merges"]!.AsArray().Insert(0, new JsonArray("a", "▁"));
            json["model"]!["merges"]!.AsArray().Insert(1, new JsonArray("a▁", "b"));
        }
    }

    [Theory]
    [InlineData("lstrip", "a \n<x>\n b", new[] { 2, 3, 10, 8, 2, 4 })]
    [InlineData("rstrip", "a \n<x>\n b", new[] { 2, 3, 2, 8, 10, 4 })]
    [InlineData("single_word", "<x>a <x> <x>", new[] { 2, 0, 3, 2, 10, 2, 10 })]
    [InlineData("special", "<x><x>", new[] { 10, 10 })]
    public void Encode_AddedTokenFlags_AreObeyed(string flag, string text, int[] expected)
    {
        using var folder = TokenizerFolder.Json(j => j["added_tokens"]!.AsArray().Add(
            (JsonNode)new JsonObject { ["id"] = 10, ["content"] = "<x>", [flag] = true }));

        Assert.Equal(expected, folder.Load().Encode(text, bos: false));
    }

    /// <summary>The known trap of normalised tokens: with a prefix normaliser they are found only where the prefix stands.</summary>
    [Fact]
    public void Encode_NormalizedToken_IsFoundInNormalizedText()
    {
        using var folder = TokenizerFolder.Json(j =>
        {
            j["added_tokens"]!.AsArray().Add((JsonNode)new JsonObject { ["id"] = 10, ["content"] = "bc", ["normalized"] = true });
            j["pre_tokenizer"] = null;
            j["normalizer"] = JsonNode.Parse("""
                {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                  {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
                """);
        });

        Assert.Equal([10, 7], folder.Load().Encode("bcc", bos: false));
        Assert.Equal([6, 7], folder.Load().Encode("abc", bos: false));
        Assert.Equal([2, 3, 10], folder.Load().Encode("a bc", bos: false));
    }

    [Fact]
    public void EncodePlain_AddedTokenThatMergesWouldMake_IsNotMade()
    {
        using var folder = TokenizerFolder.Json(j =>
            j["added_tokens"]!.AsArray().Add((JsonNode)new JsonObject { ["id"] = 5, ["content"] = "ab", ["special"] = true }));

        Assert.Equal([2, 3, 4], folder.Load().EncodePlain("ab", TextPosition.Start));
        Assert.Equal([5], folder.Load().Encode("ab", bos: false));
    }

    [Fact]
    public void Encode_IgnoreMerges_TakesWholePiecesFirst()
    {
        using var folder = TokenizerFolder.Json(j =>
        {
            j["model"]!["ignore_merges"] = true;
            j["pre_tokenizer"] = null;
        });
        var tokenizer = folder.Load();

        Assert.Equal([9], tokenizer.EncodePlain("abc", TextPosition.Start));
        Assert.Equal([5, 7, 7], tokenizer.EncodePlain("abcc", TextPosition.Start));
        Assert.DoesNotContain(1, tokenizer.EncodePlain("<s>", TextPosition.Start));
    }

    [Theory]
    [InlineData(true, new[] { 2, 0, 3, 8, 0 })]
    [InlineData(false, new[] { 2, 0, 0, 3, 8, 0, 0 })]
    public void Encode_CharactersWithoutBytes_AreUnknown(bool fuse, int[] expected)
    {
        using var folder = TokenizerFolder.Json(j => j["model"]!["fuse_unk"] = fuse);

        Assert.Equal(expected, folder.Load().EncodePlain("xya\nzx", TextPosition.Start));
    }

    [Fact]
    public void BosId_PostProcessor_Decides()
    {
        using var with = TokenizerFolder.Json(j => j["post_processor"] = new JsonObject
        {
            ["type"] = "Sequence",
            ["processors"] = new JsonArray(j["post_processor"]!.DeepClone()),
        });
        using var without = TokenizerFolder.Json(j => j["post_processor"] = null);

        Assert.Equal(1, with.Load().BosId);
        Assert.Null(without.Load().BosId);
        Assert.Equal([6], without.Load().Encode("ab", bos: true));
    }

    [Fact]
    public void Load_AddedTokensOfTheFilesBeside_AreTaken()
    {
        using var folder = TokenizerFolder.Json();
        folder.Write("added_tokens.json", """{"<image>": 12, "<s>": 1}""");
        var tokenizer = folder.Load();

        Assert.Equal(12, tokenizer.FindSpecial("<image>"));
        Assert.Equal(13, tokenizer.VocabularySize);
        Assert.Equal([6, 12, 7], tokenizer.Encode("ab<image>c", bos: false));
    }

    [Theory]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}""", "ab a")]
    [InlineData("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"}""", " ab a")]
    [InlineData("null", "▁ab ▁ a")]
    [InlineData("""{"type": "Strip", "content": "▁", "start": 1, "stop": 0}""", "aba")]
    [InlineData("""{"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Strip", "content": "a", "start": 0, "stop": 3}]}""", "▁ab▁")]
    public void Decode_OtherDecoders_AreObeyed(string decoder, string expected)
    {
        using var folder = TokenizerFolder.Json(j => j["decoder"] = JsonNode.Parse(decoder));
        var tokenizer = folder.Load();
        int[] ids = [1, 6, 2, 3];
        var stream = tokenizer.CreateStreamDecoder();

        Assert.Equal(expected, tokenizer.Decode(ids, skipSpecial: true));
        Assert.Equal(expected, string.Concat(ids.Select(stream.Push)) + stream.Flush());
    }

    /// <summary>Words and template are one run: merges go over their border, and only template-made tokens cut it.</summary>
    [Fact]
    public void EncodeRendered_WordsBesideTemplate_AreOneRun()
    {
        using var folder = TokenizerFolder.Json();
        var tokenizer = folder.Load();

        Assert.Equal([6], tokenizer.EncodeRendered([new("a", false), new("b", true)], TextPosition.Start));
        Assert.Equal([5], tokenizer.EncodeRendered([new("a", true), new("b", false)], TextPosition.Continuation));
        Assert.Equal([1, 5], tokenizer.EncodeRendered([new("<s>", false), new("ab", true)], TextPosition.Start));
        Assert.Equal([1, 5], tokenizer.EncodeRendered([new("<", false), new("s>", false), new("ab", true)], TextPosition.Start));
        Assert.DoesNotContain(1, tokenizer.EncodeRendered([new("<", false), new("s", true), new(">", false)], TextPosition.Start));
        Assert.DoesNotContain(1, tokenizer.EncodeRendered([new("<s>", true), new("<s", false), new(">", true)], TextPosition.Start));
    }
}
