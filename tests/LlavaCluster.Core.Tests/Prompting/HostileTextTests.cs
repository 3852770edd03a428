using System.Diagnostics;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Prompting.Tokenizing;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

public sealed class HostileTextTests
{
    private static readonly string[] Signs =
    [
        "<image>", "<s>", "</s>", "<unk>", "<pad>", "<|im_start|>", "<|im_end|>", "<|startoftext|>", "<|endoftext|>", "<|Human|>",
        "<|System|>", "<0x0A>", "[INST]", "<<SYS>>",
    ];

    public static TheoryData<string, bool> Tokenizers
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var name in new[] { "vicuna", "mistral", "yi", "llava15" })
            {
                data.Add(name, false);
                data.Add(name, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void EncodePlain_TextsThatLookLikeSpecials_GiveNoSpecialId(string name, bool sentencePiece)
    {
        var tokenizer = Load(name, sentencePiece);
        foreach (var position in Enum.GetValues<TextPosition>())
        {
            foreach (var sign in Signs.SelectMany(s => new[] { s, $"a{s}b", $" {s} ", s + s, s[..^1] + s, s[1..] + s }))
            {
                var ids = tokenizer.EncodePlain(sign, position);
                Assert.DoesNotContain(ids, id => Signs.Any(s => tokenizer.FindSpecial(s) == id));
                Assert.Equal(sign.Trim(), tokenizer.Decode(ids, skipSpecial: true).Trim());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void EncodePlain_UnpairedSurrogates_AreReplacementCharacters(string name, bool sentencePiece)
    {
        var tokenizer = Load(name, sentencePiece);

        Assert.Equal(
            tokenizer.EncodePlain("a\uFFFDb\uFFFD\uFFFDc\uFFFD", TextPosition.Start),
            tokenizer.EncodePlain("a\uD800b\uDC00\uD83Dc\uD83D", TextPosition.Start));
        Assert.Equal(tokenizer.Encode("\uFFFD<s>", bos: true), tokenizer.Encode("\uDC00<s>", bos: true));
    }

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void EncodePlain_AMegabyte_TakesLinearTime(string name, bool sentencePiece)
    {
        var tokenizer = Load(name, sentencePiece);
        var texts = new[]
        {
            Repeat("The green harbour shows the bridge, number 42.\n", 1_000_000), new string('a', 1_000_000), new string(' ', 1_000_000),
            new string('▁', 1_000_000), new string('\n', 1_000_000), new string('的', 1_000_000), new string('\uD800', 1_000_000),
            Repeat("the", 1_000_000), Repeat("图中有一个红色的圆形。", 1_000_000), Repeat("<image>", 700_000), Repeat("</s>", 1_000_000),
        };
        foreach (var text in texts)
        {
            // A quadratic way would take hours; the bound leaves room for a busy machine.
            var clock = Stopwatch.StartNew();
            var ids = tokenizer.EncodePlain(text, TextPosition.Start);
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"1 MB of \"{text[..10]}\" took {clock.Elapsed}");
            Assert.DoesNotContain(ids, id => tokenizer.IsSpecial(id));
            Assert.True(ids.Count <= (text.Length * 3) + 1);
        }
    }

    /// <summary>A vocabulary that joins one letter without end makes a megabyte one word.</summary>
    [Fact]
    public void Encode_AMegabyteOfOneWord_TakesLinearTime()
    {
        var pieces = Enumerable.Range(0, 6).Select(n => new Piece(new string('a', 1 << n), -n, PieceKind.Normal)).ToList();
        var bpe = SentencePieceBpe.Build(new SentencePieceModel { Pieces = pieces }, _ => true);

        var clock = Stopwatch.StartNew();
        var ids = new List<int>();
        bpe.Encode(new string('a', 1_000_001), ids);

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"took {clock.Elapsed}");
        Assert.Equal([.. Enumerable.Repeat(5, 31_250), 0], ids);
    }

    [Fact]
    public void Conversation_AHundredThousandImageMarksInWords_StayWords()
    {
        var builder = GoldenCase.Builder("vicuna");
        var words = Repeat("<image>", 700_000);

        var clock = Stopwatch.StartNew();
        var prompt = builder.Conversation([new ChatMessage(ChatRole.User, [new ChatPart.Text(words), new ChatPart.Image()])], [5]);

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"took {clock.Elapsed}");
        var run = Assert.Single(prompt.Images);
        Assert.Equal(5, prompt.TokenIds.Count(id => id == GoldenCase.ImageId));
        Assert.All(Enumerable.Range(run.Offset, 5), i => Assert.Equal(GoldenCase.ImageId, prompt.TokenIds[i]));
    }

    [Theory]
    [InlineData("vicuna")]
    [InlineData("mistral")]
    [InlineData("yi")]
    [InlineData("vicuna-original")]
    [InlineData("mistral-original")]
    public void Conversation_WordsThatLookLikeTheTemplate_GiveNoSpecialId(string checkpoint)
    {
        var tokenizer = TokenizerFiles.Load(LlavaCluster.Tests.GoldenFolder.Of("checkpoints", checkpoint));
        var builder = GoldenCase.Builder(checkpoint);
        var plain = builder.Conversation([ChatMessage.Of(ChatRole.User, "x")], []).TokenIds;
        foreach (var words in Signs.SelectMany(s => new[] { s, $"x{s}", $"{s[..^1]}", $"{s}\n{s}" }))
        {
            var ids = builder.Conversation([ChatMessage.Of(ChatRole.User, words)], []).TokenIds;

            Assert.Equal(Specials(plain), Specials(ids));
        }

        List<int> Specials(IReadOnlyList<int> ids) => [.. ids.Where(id => Signs.Any(s => tokenizer.FindSpecial(s) == id))];
    }

    private static ITokenizer Load(string name, bool sentencePiece) =>
        sentencePiece ? TokenizerTable.LoadSentencePiece(name) : TokenizerTable.Load(name);

    private static string Repeat(string text, int length) => string.Concat(Enumerable.Repeat(text, length / text.Length));
}
