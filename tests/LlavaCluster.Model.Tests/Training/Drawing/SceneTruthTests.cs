using LlavaCluster.Training.Drawing;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Drawing;

public sealed class SceneTruthTests
{
    [Fact]
    public void At_FilledCircle_CoversTheDiscAndNotTheCorner()
    {
        var circle = new SceneObject(SceneShape.Circle, SceneColour.Red, true, 50, 40, 40, 40);
        var truth = new SceneTruth(new Scene(100, 100, [circle], null));

        Assert.Equal(new PointTruth(0, true, 0, 0, -1), truth.At(50, 40));
        Assert.Equal(new PointTruth(0, true, 0.5f, 0, -1), truth.At(60, 40));
        Assert.Equal(PointTruth.Nothing, truth.At(32, 22));
        Assert.Equal(PointTruth.Nothing, truth.At(80, 80));
    }

    [Fact]
    public void At_OutlinedSquare_CoversItsInsideButInkIsNearTheEdgeOnly()
    {
        var square = new SceneObject(SceneShape.Square, SceneColour.Blue, false, 50, 50, 40, 40) { Stroke = 6 };
        var truth = new SceneTruth(new Scene(100, 100, [square], null));

        Assert.Equal((0, true), (truth.At(33, 50).Object, truth.At(33, 50).Ink));
        Assert.Equal((0, false), (truth.At(40, 50).Object, truth.At(40, 50).Ink));
        Assert.Equal(-1, truth.At(29, 50).Object);
    }

    [Fact]
    public void At_Glyphs_TellsWhichCharacter()
    {
        GlyphBox[] glyphs = [new('A', 10, 10, 18, 20), new('B', 20, 10, 28, 20), new('1', 30, 10, 34, 20)];
        var text = new SceneText("AB1", glyphs, 10);
        var truth = new SceneTruth(new Scene(100, 100, [], text));

        Assert.Equal([0, -1, 1, 2, -1], new[] { 10f, 19, 27, 33, 40 }.Select(x => truth.At(x, 15).Glyph));
        Assert.Equal(-1, truth.GlyphAt(15, 21));
    }

    [Theory]
    [InlineData(nameof(SceneShape.Triangle), 50, 33, 35, 33)]
    [InlineData(nameof(SceneShape.Star), 50, 35, 33, 33)]
    [InlineData(nameof(SceneShape.Diamond), 35, 50, 35, 35)]
    [InlineData(nameof(SceneShape.Cross), 50, 32, 35, 35)]
    public void At_PlainShapes_CoverTheirTipsAndNotTheGaps(string shape, float inX, float inY, float outX, float outY)
    {
        var drawn = new SceneObject(Enum.Parse<SceneShape>(shape), SceneColour.Black, true, 50, 50, 40, 40);
        var truth = new SceneTruth(new Scene(100, 100, [drawn], null));

        Assert.Equal((0, -1), (truth.At(inX, inY).Object, truth.At(outX, outY).Object));
    }
}
