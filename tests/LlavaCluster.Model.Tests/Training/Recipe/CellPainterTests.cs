using LlavaCluster.Core.Imaging;
using LlavaCluster.Training.Drawing;
using LlavaCluster.Training.Recipe.Network;
using LlavaCluster.Training.Recipe.Tower;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Recipe;

/// <summary>Labels of hand-made scenes on tiles of 112 pixels, patches of 14, 3 × 2 cells a patch: a cell is 4⅔ × 7 pixels.</summary>
public sealed class CellPainterTests
{
    private const int Side = 112;
    private static readonly PatchCells Cells = PatchCells.For(14);

    [Fact]
    public void PatchCells_OfSmallGlyphs_AreThreeByTwo() => Assert.Equal(new PatchCells(3, 2), Cells);

    [Fact]
    public void Paint_Square_CoversItsCellsAndMarksItsMiddle()
    {
        // 28 … 84 pixels both ways: columns 6 … 17, rows 4 … 11.
        var square = new SceneObject(SceneShape.Square, SceneColour.Blue, Filled: true, 56.1f, 56.1f, 56, 56);
        var labels = Paint(new Scene(Side, Side, [square], null), new TileView(0, 0, 1, 1));

        for (var row = 0; row < labels.Rows; row++)
        {
            for (var column = 0; column < labels.Columns; column++)
            {
                var inside = column is >= 6 and <= 17 && row is >= 4 and <= 11;
                var cell = labels.Index(0, column, row);
                Assert.True((labels.Shapes[cell] == 1 + (int)SceneShape.Square) == inside, $"column {column}, row {row}: {labels.Shapes[cell]}");
                Assert.Equal(inside ? 1 + (int)SceneColour.Blue : 0, labels.Colours[cell]);
                Assert.Equal(inside ? 1 : 0, labels.Filled[cell]);
            }
        }

        Assert.Equal(labels.Index(0, 12, 8), Assert.Single(Marked(labels.ObjectCentres)));
    }

    [Fact]
    public void Paint_Glyphs_LabelWhatTheyCoverAndTheirMiddles()
    {
        var text = new SceneText("AB3", [new('A', 0, 0, 9, 14), new('B', 10, 0, 18, 14), new('3', 100, 100, 110, 111)], 14);
        var labels = Paint(new Scene(Side, Side, [], text), new TileView(0, 0, 1, 1));

        Assert.Equal(1, labels.Characters[labels.Index(0, 0, 0)]);
        Assert.Equal(1, labels.Characters[labels.Index(0, 1, 1)]);
        Assert.Equal(2, labels.Characters[labels.Index(0, 2, 0)]);
        Assert.Equal(2, labels.Characters[labels.Index(0, 3, 1)]);
        Assert.Equal(0, labels.Characters[labels.Index(0, 4, 0)]);
        Assert.Equal(1 + 26 + 3, labels.Characters[labels.Index(0, 22, 15)]);
        Assert.Equal(3, Marked(labels.GlyphCentres).Count());
        Assert.Equal(14, labels.GlyphHeights[labels.Index(0, 0, 0)]);
    }

    [Fact]
    public void Paint_GlyphsTooSmallToTell_AreUnknown()
    {
        var text = new SceneText("A", [new('A', 0, 0, 20, 20)], 20);
        var labels = Paint(new Scene(1120, 1120, [], text), new TileView(0, 0, 10, 10));
        Assert.Equal(CellLabels.Unknown, labels.Characters[0]);
        Assert.Empty(Marked(labels.GlyphCentres));
    }

    [Theory]
    [InlineData(0, 0, 0, 112, 112)]
    [InlineData(1, 0, 0, 56, 56)]
    [InlineData(4, 56, 56, 112, 112)]
    public void TileView_OfSquarePicture_IsTheWholeOrAQuarter(int tile, double left, double top, double right, double bottom)
    {
        var view = TileView.Of(TwoByTwo(new SceneMix { TileSide = Side }.Layout(112, 112)), Side, tile);
        var (tileLeft, tileTop, tileRight, tileBottom) = view.Tile(left, top, right, bottom);
        Assert.Equal((0, 0, 112, 112), (tileLeft, tileTop, tileRight, tileBottom));
    }

    [Fact]
    public void TileView_WithPadding_StartsOutsideThePicture()
    {
        // 100 × 200 on a canvas of 112 × 224: 56 … no padding; on 224 × 224: 56 columns on either side.
        var geometry = TwoByTwo(new SceneMix { TileSide = Side }.Layout(100, 200)) with { ResizedWidth = 112, ResizedHeight = 224 };
        var view = TileView.Of(geometry, Side, 1);
        Assert.Equal(-50, view.StartX, 1e-9);
        Assert.Equal(0, view.StartY, 1e-9);
    }

    private static ImageGeometry TwoByTwo(ImageGeometry geometry) => geometry with
    {
        CanvasWidth = 224,
        CanvasHeight = 224,
        ResizedWidth = 224,
        ResizedHeight = 224,
        GridColumns = 2,
        GridRows = 2,
    };

    private static CellLabels Paint(Scene scene, TileView view)
    {
        var labels = new CellLabels(1, 8, Cells);
        new CellPainter(labels, Side).Paint(0, scene, new SceneTruth(scene), view);
        return labels;
    }

    private static IEnumerable<int> Marked(sbyte[] flags) => flags.Index().Where(flag => flag.Item == 1).Select(flag => flag.Index);
}
