using LlavaCluster.Core.Imaging;
using LlavaCluster.Model.Vision;
using LlavaCluster.Training.Suites;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Suites;

public sealed class PictureSuiteTests
{
    [Fact]
    public void Questions_EveryRow_HasTheCountAndItsExpectedAnswersAreRight()
    {
        var suite = PictureSuite.Draw(seed: 5, count: 3);
        var questions = suite.Questions().ToArray();

        Assert.Equal(suite.Total, questions.Length);
        Assert.All(questions.GroupBy(q => q.Row), row => Assert.Equal(3, row.Count()));
        Assert.All(questions, q => Assert.True(q.IsRight(q.Expected), $"{q.Row}: {q.Turns[^1]} {q.Expected}"));
        Assert.All(questions, q => Assert.False(q.IsRight("I have seen a thousand kites."), q.Row));
        Assert.All(questions.Where(q => q.Row == SuiteTally.TwoTurns), q => Assert.InRange(q.Turns.Count, 2, 3));
        Assert.All(questions.Where(q => q.Row == SuiteTally.TwoPictures), q => Assert.Equal(2, q.Pictures.Count));
        Assert.All(questions.Where(q => q.Row == "small talk"), q => Assert.Empty(q.Pictures));
    }

    [Fact]
    public void Questions_SameSeed_AreTheSame()
    {
        var first = Told(PictureSuite.Draw(8, 2));

        Assert.Equal(first, Told(PictureSuite.Draw(8, 2)));
        Assert.NotEqual(first, Told(PictureSuite.Draw(9, 2)));

        static string[] Told(PictureSuite suite) =>
            [.. suite.Questions().Select(q => string.Join('|', [q.Row, .. q.Turns, q.Expected, .. q.Pictures.Select(p => ImageHash.Of(p.File).Hex)]))];
    }

    [Theory]
    [InlineData(5, 3)]
    [InlineData(4, 4)]
    [InlineData(1, 1)]
    public void File_AnyWidth_DecodesToThePixels(int width, int height)
    {
        var pixels = new PixelBuffer(width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)(i * 37))]);

        var decoded = new ImageDecoder().Decode(new SuitePicture(pixels).File, new ImageLimits());

        Assert.Equal((width, height), (decoded.Width, decoded.Height));
        Assert.Equal(pixels.Rgb, decoded.Rgb);
    }

    [Fact]
    public void Tally_TwoTurns_AreHeldAgainstSingleQuestions()
    {
        var tally = new SuiteTally();
        Assert.Null(tally.SingleTurn);
        foreach (var (row, right) in new[] { ("shape", true), ("shape", true), ("count", true), ("count", false), (SuiteTally.TwoTurns, true), (SuiteTally.TwoTurns, false) })
        {
            tally.Add(row, right);
        }

        Assert.Equal(0.75, tally.SingleTurn);
        Assert.Equal(0.5 / 0.75, tally.OfSingleTurn(SuiteTally.TwoTurns));
        Assert.Null(tally.OfSingleTurn(SuiteTally.TwoPictures));
        Assert.Equal(new SuiteRow("count", 2, 1), tally.Rows.ElementAt(1));
    }
}
