using LlavaCluster.Core.Imaging;
using LlavaCluster.Training.Drawing;
using LlavaCluster.Training.Recipe.Network;

namespace LlavaCluster.Training.Recipe.Tower;

/// <summary>
/// Draws tiles with labels: pictures go through the serving preprocessor, and of their tiles those are taken that show something. Many
/// threads may draw with one.
/// </summary>
internal sealed class TileArtist
{
    /// <summary>Share of the grid tiles without any glyph that are taken.</summary>
    private const double PlainShare = 0.4;

    private readonly SceneArtist _scenes;
    private readonly LetterSheet _sheets;
    private readonly SceneMix _mix;
    private readonly ImagePreprocessor _preprocessor;
    private readonly PatchCells _cells;
    private readonly int _side;
    private readonly int _grid;

    /// <summary>An artist for a model's tiles.</summary>
    /// <param name="fonts">Fonts of words.</param>
    /// <param name="processing">How the model cuts pictures.</param>
    /// <param name="cells">The division of patches.</param>
    public TileArtist(FontShelf fonts, ImageProcessing processing, PatchCells cells)
    {
        (_cells, _side, _grid) = (cells, processing.TileSide, processing.PatchesPerSide);
        _mix = new SceneMix { TileSide = _side, TextShare = 0.7, MaxSide = 560, MinGlyphHeight = 8, MaxGlyphHeight = 40 };
        _scenes = new SceneArtist(fonts);
        _sheets = new LetterSheet(fonts, _mix);
        _preprocessor = new ImagePreprocessor(processing);
    }

    /// <summary>The batch of a seed.</summary>
    /// <param name="seed">Decides everything.</param>
    /// <param name="tiles">How many tiles.</param>
    /// <param name="sheetShare">Share of the tiles that are cut from sheets of letters.</param>
    public TileBatch Draw(ulong seed, int tiles, double sheetShare)
    {
        var tilePixels = 3 * _side * _side;
        var pixels = new float[tiles * tilePixels];
        var labels = new CellLabels(tiles, _grid, _cells);
        var painter = new CellPainter(labels, _side);
        var filled = 0;
        var sheets = (int)Math.Round(tiles * sheetShare);
        for (ulong number = 0; filled < tiles; number++)
        {
            var chance = new Chance(Seeds.At(seed, number));
            var isSheet = filled < sheets;
            var drawn = isSheet ? _sheets.Draw(chance.Bits()) : _scenes.Draw(chance.Bits(), _mix);
            var cut = _preprocessor.Process(drawn.Pixels);
            var truth = new SceneTruth(drawn.Scene);
            for (var tile = 0; tile < cut.Count && filled < (isSheet ? sheets : tiles); tile++)
            {
                var view = TileView.Of(cut.Geometry, _side, tile);
                if (!IsWorth(tile, isSheet, drawn.Scene, view, chance))
                {
                    continue;
                }

                painter.Paint(filled, drawn.Scene, truth, view);
                cut.Normalise(tile, pixels.AsSpan(filled * tilePixels, tilePixels));
                filled++;
            }
        }

        return new TileBatch(pixels, labels);
    }

    private bool IsWorth(int tile, bool isSheet, Scene scene, TileView view, Chance chance)
    {
        if (tile == 0)
        {
            // The whole of a sheet is mostly too small to read.
            return !isSheet || chance.Flip(0.5);
        }

        double right = view.StartX + (_side * view.ScaleX), bottom = view.StartY + (_side * view.ScaleY);
        var hasGlyph = scene.Text?.Glyphs.Any(g => g.Right > view.StartX && g.Left < right && g.Bottom > view.StartY && g.Top < bottom);
        return hasGlyph == true || chance.Flip(PlainShare);
    }
}
