using LlavaCluster.Training.Drawing;
using LlavaCluster.Training.Questions;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Questions;

public sealed class QuestionCorpusTests
{
    [Fact]
    public void Lines_SameSeed_SameLinesWithAllCharactersOfBothLanguages()
    {
        var lines = QuestionCorpus.Lines(11, 6000).ToArray();

        Assert.Equal(6000, lines.Length);
        Assert.Equal(lines, QuestionCorpus.Lines(11, 6000));
        Assert.NotEqual(lines, QuestionCorpus.Lines(12, 6000));
        Assert.All(FontFace.Characters, character => Assert.Contains(lines, line => line.Contains(character)));
        Assert.Contains(lines, line => line.Contains("五角星"));
        Assert.All(lines, line => Assert.False(string.IsNullOrWhiteSpace(line)));
    }
}
