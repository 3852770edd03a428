using System.Text;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Training.Checkpoint;
using LlavaCluster.Training.Questions;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Checkpoint;

public sealed class TokenizerWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tokenizer-").FullName;
    private readonly BpeVocabulary _vocabulary = BpeTrainer.Train(SampleLines.All, 640);
    private readonly ITokenizer _tokenizer;

    public TokenizerWriterTests()
    {
        TokenizerWriter.Write(_folder, _vocabulary, context: 2048);
        _tokenizer = TokenizerFiles.Load(_folder);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_Special_HasTheIdsOfTheVocabulary()
    {
        Assert.Equal(640, _tokenizer.VocabularySize);
        Assert.Equal(1, _tokenizer.BosId);
        Assert.Equal(2, _tokenizer.FindSpecial("</s>"));
        Assert.Equal(638, _tokenizer.FindSpecial("<image>"));
        Assert.Equal(639, _tokenizer.FindSpecial("<pad>"));
        Assert.Equal([1], _tokenizer.Encode("", bos: true));
    }

    [Fact]
    public void Write_LinesItLearnedFrom_ComeBack() =>
        Assert.All(SampleLines.All, line => Assert.Equal(line, RoundTrip(line)));

    [Fact]
    public void Write_AnyText_ComesBack()
    {
        var random = new Random(11);
        for (var n = 0; n < 500; n++)
        {
            var text = new StringBuilder("x");
            for (var i = random.Next(40); i > 0; i--)
            {
                var rune = random.Next(4) switch
                {
                    0 => random.Next(0x20, 0x7F),
                    1 => random.Next(0x0, 0x800),
                    2 => random.Next(0x4E00, 0x9FFF),
                    _ => random.Next(0x10000, 0x10FFFF),
                };

                // The mark itself is read as a space by every tokenizer of this form.
                text.Append(rune == BpeVocabulary.Mark ? new Rune('m') : new Rune(rune));
            }

            Assert.Equal(text.ToString(), RoundTrip(text.ToString()));
        }
    }

    [Theory]
    [InlineData("{0}", TextPosition.Start)]
    [InlineData(" {0}", TextPosition.Continuation)]
    [InlineData("\n{0}", TextPosition.AfterSpecial)]
    [InlineData("The text says \"{0}\".", TextPosition.Start)]
    [InlineData("“{0}”", TextPosition.AfterSpecial)]
    [InlineData("文字是{0}。", TextPosition.AfterSpecial)]
    [InlineData("Read {0} and {0}, then stop.", TextPosition.Continuation)]
    public void Encode_WordOfAPicture_IsSpelledInOneWay(string around, TextPosition position)
    {
        const string characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        var random = new Random(7);
        var words = Enumerable.Range(0, 300)
            .Select(_ => new string(random.GetItems<char>(characters, random.Next(3, 7))))
            .Concat(["USER", "ASSIST", "USA", "THE", "RED", "2024", "000", "TANT", "SISTER"]);
        foreach (var word in words)
        {
            var ids = _tokenizer.EncodePlain(string.Format(around, word), position);

            var pieces = ids.Select(id => _vocabulary.Pieces[id]).ToArray();
            var spelled = word.Select(c => c.ToString()).ToArray();
            var places = Enumerable.Range(0, pieces.Length - word.Length + 1).Where(at => pieces.Skip(at).Take(word.Length).SequenceEqual(spelled));
            Assert.Equal(around.Split("{0}").Length - 1, places.Count());
        }
    }

    [Fact]
    public void Encode_WordsOfTheTemplate_AreOneTokenEach()
    {
        var ids = _tokenizer.Encode("USER: <image>\nWhat? ASSISTANT: AB7</s>", bos: true);

        Assert.Equal(
            ["<s>", "▁USER:", "▁", "<image>", "<0x0A>", "What", "?", "▁ASSISTANT:", "▁", "A", "B", "7", "</s>"],
            ids.Select(id => id == _vocabulary.ImageId ? "<image>" : _vocabulary.Pieces[id]));
    }

    [Fact]
    public void Write_CorpusOfTheQuestions_FillsTheEmbeddingAndHardlyNeedsBytes()
    {
        var shape = new TinyShape();
        var vocabulary = BpeTrainer.Train(QuestionCorpus.Lines(1, 20_000), shape.Vocabulary);
        TokenizerWriter.Write(_folder, vocabulary, shape.Context);
        var tokenizer = TokenizerFiles.Load(_folder);

        Assert.Equal(shape.Vocabulary, tokenizer.VocabularySize);
        var lines = QuestionCorpus.Lines(2, 2000).ToArray();
        var ids = lines.Select(line => tokenizer.EncodePlain(line, TextPosition.Continuation)).ToArray();

        // A few sayings are so rare that the corpus may lack one of their characters.
        Assert.InRange(ids.Count(line => line.Any(id => id < 3 + 256)), 0, 10);

        // Characters of a token in the mean; capitals, digits and Chinese, a third of these lines, are one each.
        Assert.InRange(lines.Sum(l => l.Length) / (double)ids.Sum(i => i.Count), 2.2, 5);
    }

    [Fact]
    public void Write_ChatTemplate_IsOfTheVicunaFamily()
    {
        var config = Core.Checkpoint.LlavaConfigReader.Read(LlavaCluster.Tests.GoldenFolder.Of("checkpoints", "vicuna"));
        Assert.Equal("vicuna-hf", ChatTemplate.Choose(_folder, config, _tokenizer).Name);
    }

    private string RoundTrip(string text) => _tokenizer.Decode(_tokenizer.Encode(text, bos: true), skipSpecial: true);
}
