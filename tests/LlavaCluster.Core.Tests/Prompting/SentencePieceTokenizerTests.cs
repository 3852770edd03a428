using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Prompting.Tokenizing;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

/// <summary>What tokenizer_config.json makes of a tokenizer.model, by the rules of transformers' slow LlamaTokenizer.</summary>
public sealed class SentencePieceTokenizerTests
{
    [Fact]
    public void Load_NoSettings_HasTheDefaultsOfTheLlamaTokenizer()
    {
        using var folder = TokenizerFolder.SentencePiece("vicuna", "{}");
        var tokenizer = folder.Load();

        Assert.Equal(1, tokenizer.BosId);
        Assert.Equal([0, 1, 2], new[] { "<unk>", "<s>", "</s>" }.Select(t => tokenizer.FindSpecial(t)!.Value));
        Assert.Null(tokenizer.FindSpecial("<image>"));

        // Legacy: a prefix for every stretch.
        Assert.Equal(Ids(tokenizer, "▁the", "</s>", "▁the"), tokenizer.Encode("the</s>the", bos: false));
    }

    [Fact]
    public void Encode_NotLegacy_PutsOneMarkBeforeTheWholeText()
    {
        using var folder = TokenizerFolder.SentencePiece("vicuna", """{"legacy": false, "add_bos_token": false, "add_eos_token": true}""");
        var tokenizer = folder.Load();

        Assert.Null(tokenizer.BosId);
        Assert.Equal(Ids(tokenizer, "▁the", "</s>", "t", "he", "</s>"), tokenizer.Encode("the</s>the", bos: true));
        Assert.Equal(Ids(tokenizer, "</s>", "t", "he"), tokenizer.Encode("</s>the", bos: false));
        Assert.Equal(Ids(tokenizer, "▁", "▁the"), tokenizer.Encode(" the", bos: false));
        Assert.Equal([], tokenizer.Encode("", bos: false));
    }

    /// <summary>The lone mark before the text is dropped before tokens with a role only.</summary>
    [Fact]
    public void Encode_NotLegacyTokenWithoutARoleFirst_KeepsTheLoneMark()
    {
        using var folder = TokenizerFolder.SentencePiece("vicuna", """{"legacy": false}""");
        folder.Write("added_tokens.json", """{"<x>": 2000}""");
        var tokenizer = folder.Load();

        Assert.Equal([Ids(tokenizer, "▁")[0], 2000, .. Ids(tokenizer, "t", "he")], tokenizer.Encode("<x>the", bos: false));
        Assert.Equal(2001, tokenizer.VocabularySize);
    }

    [Fact]
    public void Load_TokenWithARoleThatNoFileNumbers_ComesAfterAllOthers()
    {
        using var folder = TokenizerFolder.SentencePiece("vicuna", """{"pad_token": {"content": "<pad>"}, "unk_token": null}""");
        folder.Write("special_tokens_map.json", """{"additional_special_tokens": ["<image>"]}""");
        folder.Write("added_tokens.json", """{"<x>": 2000}""");
        var tokenizer = folder.Load();

        Assert.Equal(2001, tokenizer.FindSpecial("<pad>"));
        Assert.Equal(2002, tokenizer.FindSpecial("<image>"));
        Assert.True(tokenizer.IsSpecial(2001) && tokenizer.IsSpecial(2002));
        Assert.False(tokenizer.IsSpecial(2000));
    }

    [Fact]
    public void Decode_SpecialsKept_StandAsTheSlowTokenizerSetsThem()
    {
        using var legacy = TokenizerFolder.SentencePiece("vicuna", "{}");
        using var newer = TokenizerFolder.SentencePiece("vicuna", """{"legacy": false}""");
        var ids = Ids(legacy.Load(), "<s>", "▁the", "▁the", "</s>", "▁the");

        // Legacy: a space before the text that a special token ends; each stretch loses its first space.
        Assert.Equal("<s> the the</s>the", legacy.Load().Decode(ids, skipSpecial: false));
        Assert.Equal("<s> the the</s> the", newer.Load().Decode(ids, skipSpecial: false));
        Assert.Equal("the the the", legacy.Load().Decode(ids, skipSpecial: true));
    }

    [Fact]
    public void Decode_AddedTokensWithoutARole_AreJoinedWithSpaces()
    {
        using var folder = TokenizerFolder.SentencePiece("vicuna", "{}");
        folder.Write("added_tokens.json", """{"<x>": 2000}""");
        var tokenizer = folder.Load();
        List<int> ids = [.. Ids(tokenizer, "▁the"), 2000, .. Ids(tokenizer, "▁", "t", "he"), 2000, 2000, .. Ids(tokenizer, "▁")];
        var stream = tokenizer.CreateStreamDecoder();

        Assert.Equal("the <x> the <x> <x> ", tokenizer.Decode(ids, skipSpecial: true));
        Assert.Equal("the <x> the <x> <x> ", string.Concat(ids.Select(stream.Push)) + stream.Flush());
    }

    /// <summary>A fixed piece of the model that looks like a sign belongs to templates alone.</summary>
    [Fact]
    public void EncodePlain_UserDefinedSign_StaysWords()
    {
        var model = new SentencePieceModel
        {
            Pieces =
            [
                new("<unk>", 0, PieceKind.Unknown), new("<s>", 0, PieceKind.Control), new("</s>", 0, PieceKind.Control),
                new("<|end|>", 0, PieceKind.UserDefined), new("ab", 0, PieceKind.UserDefined), new("▁", -9, PieceKind.Normal),
                .. "<|end>abc".Select(c => new Piece(c.ToString(), -10, PieceKind.Normal)), new("bc", -1, PieceKind.Normal),
            ],
            RemoveExtraWhitespaces = false,
            AddDummyPrefix = false,
        };
        var tokenizer = new SentencePieceTokenizer(model, new TokenizerSettings());

        Assert.DoesNotContain(3, tokenizer.EncodePlain("a<|end|>b", TextPosition.Start));
        Assert.Contains(3, tokenizer.Encode("a<|end|>b", bos: false));
        Assert.Contains(3, tokenizer.EncodeRendered([new("<|end|>", false)], TextPosition.Start));
        Assert.DoesNotContain(3, tokenizer.EncodeRendered([new("<|end|>", true)], TextPosition.Start));

        // "ab" is always one piece, though "bc" would score better than any merge.
        Assert.Equal([4, 14], tokenizer.EncodePlain("abc", TextPosition.Start));
    }

    [Theory]
    [InlineData("  a  b ", true, true, "▁a▁b")]
    [InlineData("  a  b ", false, true, "a▁b")]
    [InlineData("  a  b ", false, false, "▁a▁b")]
    [InlineData("   ", true, true, "")]
    public void Normalize_ExtraWhitespaces_AreRemoved(string text, bool prefix, bool start, string expected)
    {
        var model = new SentencePieceModel { Pieces = [] };

        Assert.Equal(expected, model.Normalize(text, prefix, start));
    }

    private static List<int> Ids(ITokenizer tokenizer, params string[] tokens)
    {
        var pieces = RandomTexts.Model("vicuna").Pieces.Select(p => p.Text).ToList();
        return [.. tokens.Select(t => tokenizer.FindSpecial(t) ?? pieces.IndexOf(t))];
    }
}
