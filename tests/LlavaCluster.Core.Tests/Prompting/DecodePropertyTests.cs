using System.Text;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Prompting.Tokenizing;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

public sealed class DecodePropertyTests
{
    public static TheoryData<string> Names => TokenizerTable.Names;

    public static TheoryData<string> Checkpoints => GoldenCase.Checkpoints;

    [Theory]
    [MemberData(nameof(Names))]
    public void Decode_RandomIds_EqualsTheDefinition(string name)
    {
        var random = new Random(6);
        var tokenizer = TokenizerTable.Load(name);
        var model = RandomTexts.Model(name);
        for (var i = 0; i < 2000; i++)
        {
            var ids = RandomIds(random, tokenizer, model);
            Assert.Equal(Naive(tokenizer, model, ids, stripFirstSpace: name != "yi"), tokenizer.Decode(ids, skipSpecial: true));
        }
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void StreamDecoder_RandomIds_ConcatenateToTheWhole(string checkpoint)
    {
        var random = new Random(7);
        var tokenizer = TokenizerFiles.Load(GoldenFolder.Of("checkpoints", checkpoint));
        AssertStreams(tokenizer, RandomTexts.Model(checkpoint), random);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void StreamDecoder_SentencePieceModelAlone_ConcatenatesToTheWhole(string name) =>
        AssertStreams(TokenizerTable.LoadSentencePiece(name), RandomTexts.Model(name), new Random(8));

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void StreamDecoder_AnEmojiInBytes_ComesWhole(string checkpoint)
    {
        var tokenizer = TokenizerFiles.Load(GoldenFolder.Of("checkpoints", checkpoint));
        var decoder = tokenizer.CreateStreamDecoder();

        var texts = tokenizer.EncodePlain("a😀b", TextPosition.Continuation).Select(decoder.Push).Append(decoder.Flush()).ToList();

        Assert.Equal("a😀b", string.Concat(texts));
        Assert.All(texts, t => Assert.Equal(t, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(t))));
    }

    /// <summary>A run of bytes that is broken anywhere is broken as a whole, and says so at once.</summary>
    [Fact]
    public void StreamDecoder_BrokenBytes_AreOneReplacementCharacterEach()
    {
        var tokenizer = TokenizerTable.Load("vicuna");
        var model = RandomTexts.Model("vicuna");
        var decoder = tokenizer.CreateStreamDecoder();
        int Byte(int value) => model.Pieces.ToList().FindIndex(p => p.Text == $"<0x{value:X2}>");

        Assert.Equal("", decoder.Push(Byte('x')));
        Assert.Equal("", decoder.Push(Byte(0xE4)));
        Assert.Equal("\uFFFD\uFFFD\uFFFD", decoder.Push(Byte('x')));
        Assert.Equal("\uFFFD", decoder.Push(Byte('x')));
        Assert.Equal("a", decoder.Push(model.Pieces.ToList().FindIndex(p => p.Text == "a")));
        Assert.Equal("", decoder.Push(Byte(0xF0)));
        Assert.Equal("\uFFFD", decoder.Flush());
    }

    /// <summary>SentencePiece keeps the whole characters of a broken run.</summary>
    [Fact]
    public void SentencePiece_BrokenBytes_KeepTheCharactersAround()
    {
        var tokenizer = TokenizerTable.LoadSentencePiece("vicuna");
        var model = RandomTexts.Model("vicuna");
        var ids = new byte[] { (byte)'x', 0xE4, 0xB8, (byte)'y', 0xC3, 0xA9, 0xFF }
            .Select(b => model.Pieces.ToList().FindIndex(p => p.Text == $"<0x{b:X2}>")).ToList();

        Assert.Equal("x\uFFFD\uFFFDyé\uFFFD", tokenizer.Decode(ids, skipSpecial: true));
    }

    [Fact]
    public void Decode_IdsThatDoNotExist_HaveNoText()
    {
        foreach (var tokenizer in new[] { TokenizerTable.Load("vicuna"), TokenizerTable.LoadSentencePiece("vicuna") })
        {
            var known = tokenizer.EncodePlain("the bridge", TextPosition.Start);
            Assert.Equal("the bridge", tokenizer.Decode([.. known, -1, tokenizer.VocabularySize, int.MaxValue, int.MinValue], skipSpecial: true));
            Assert.Equal("", tokenizer.CreateStreamDecoder().Push(GoldenCase.ImageId));
        }
    }

    private static void AssertStreams(ITokenizer tokenizer, SentencePieceModel model, Random random)
    {
        for (var i = 0; i < 2000; i++)
        {
            var ids = RandomIds(random, tokenizer, model);
            var decoder = tokenizer.CreateStreamDecoder();
            var streamed = string.Concat(ids.Select(decoder.Push)) + decoder.Flush();
            Assert.Equal(tokenizer.Decode(ids, skipSpecial: true), streamed);
        }
    }

    /// <summary>Ids with many bytes, spaces and specials among them, some of no token.</summary>
    private static List<int> RandomIds(Random random, ITokenizer tokenizer, SentencePieceModel model)
    {
        var bytes = model.Pieces.ToList().FindIndex(p => p.Kind == PieceKind.Byte);
        var space = model.Pieces.ToList().FindIndex(p => p.Text == "▁");
        var whole = tokenizer.EncodePlain("é的😀", TextPosition.Continuation);
        var ids = new List<int>();
        for (var i = random.Next(20); i > 0; i--)
        {
            switch (random.Next(6))
            {
                case 0:
                    ids.Add(bytes + random.Next(256));
                    break;
                case 1:
                    ids.AddRange(whole);
                    break;
                case 2:
                    ids.Add(space);
                    break;
                case 3:
                    ids.Add(random.Next(9));
                    break;
                default:
                    ids.Add(random.Next(tokenizer.VocabularySize + 2));
                    break;
            }
        }

        return ids;
    }

    /// <summary>The decoder of the golden tokenizer.json files, written down over the whole list.</summary>
    private static string Naive(ITokenizer tokenizer, SentencePieceModel model, List<int> ids, bool stripFirstSpace)
    {
        var text = new StringBuilder();
        var run = new List<byte>();
        foreach (var id in ids.Where(id => !tokenizer.IsSpecial(id) && id < model.Pieces.Count))
        {
            if (model.Pieces[id].Kind == PieceKind.Byte)
            {
                run.Add(Convert.ToByte(model.Pieces[id].Text[3..5], 16));
                continue;
            }

            EndRun();
            text.Append(model.Pieces[id].Text.Replace('▁', ' '));
        }

        EndRun();
        return stripFirstSpace && text.Length > 0 && text[0] == ' ' ? text.ToString(1, text.Length - 1) : text.ToString();

        void EndRun()
        {
            var decoded = Encoding.UTF8.GetString([.. run]);
            text.Append(Encoding.UTF8.GetBytes(decoded).SequenceEqual(run) ? decoded : new string('\uFFFD', run.Count));
            run.Clear();
        }
    }
}
