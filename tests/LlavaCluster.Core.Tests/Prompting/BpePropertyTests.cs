using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Prompting.Tokenizing;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

public sealed class BpePropertyTests
{
    public static TheoryData<string> Names => TokenizerTable.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void EncodePlain_RandomTexts_EqualsTheDefinition(string name)
    {
        var random = new Random(3);
        var tokenizer = TokenizerTable.Load(name);
        var model = RandomTexts.Model(name);
        for (var i = 0; i < 400; i++)
        {
            var text = RandomTexts.Next(random, model);
            Assert.Equal(NaiveBpe.ByMerges(name, text.Replace(' ', '▁')), tokenizer.EncodePlain(text, TextPosition.Continuation));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void SentencePieceBpe_RandomTexts_EqualsTheDefinition(string name)
    {
        var random = new Random(4);
        var model = RandomTexts.Model(name);
        var bpe = SentencePieceBpe.Build(model, _ => true);
        for (var i = 0; i < 400; i++)
        {
            var text = RandomTexts.Next(random, model).Replace(' ', '▁');
            var ids = new List<int>();
            bpe.Encode(text, ids);
            Assert.Equal(NaiveBpe.ByScores(model, text), ids);
        }
    }

    /// <summary>A toy vocabulary in which nearly everything joins makes long words, which go through the heap.</summary>
    [Fact]
    public void Encode_LongWordsOfAToyVocabulary_EqualTheDefinition()
    {
        var random = new Random(5);
        for (var round = 0; round < 60; round++)
        {
            var texts = new HashSet<string> { "a", "b", "c" };
            while (texts.Count < 20)
            {
                texts.Add(texts.ElementAt(random.Next(texts.Count)) + texts.ElementAt(random.Next(texts.Count)));
            }

            var pieces = texts.Select(t => new Piece(t, t.Length == 1 ? 0 : -random.Next(1, 12), PieceKind.Normal)).ToList();
            var model = new SentencePieceModel { Pieces = pieces };
            var bpe = SentencePieceBpe.Build(model, _ => true);
            var text = new string([.. Enumerable.Range(0, random.Next(1, 200)).Select(_ => (char)('a' + random.Next(3)))]);
            var ids = new List<int>();
            bpe.Encode(text, ids);
            Assert.Equal(NaiveBpe.ByScores(model, text), ids);
        }
    }
}
