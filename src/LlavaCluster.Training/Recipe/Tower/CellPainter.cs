using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Recipe.Tower;

/// <summary>Writes what a tile shows of a scene into its cells.</summary>
/// <param name="labels">Where to write.</param>
/// <param name="side">Pixels of a tile's side.</param>
internal sealed class CellPainter(CellLabels labels, int side)
{
    /// <summary>Pixels of a tile below which nobody can tell one capital from another.</summary>
    private const double LeastHeight = 5.5;

    /// <summary>Share of a cell or of a glyph that both must have in common.</summary>
    private const double LeastShare = 0.15;

    private readonly double _width = (double)side / labels.Columns;
    private readonly double _height = (double)side / labels.Rows;
    private readonly double[] _common = new double[labels.PerTile];

    /// <summary>Writes one tile.</summary>
    /// <param name="tile">Its place among the labels, still empty there.</param>
    /// <param name="scene">What the picture shows.</param>
    /// <param name="truth">The same, point by point.</param>
    /// <param name="view">Which part of the picture the tile is.</param>
    public void Paint(int tile, Scene scene, SceneTruth truth, TileView view)
    {
        PaintObjects(tile, scene, truth, view);
        Array.Clear(_common);
        foreach (var glyph in scene.Text?.Glyphs ?? [])
        {
            PaintGlyph(tile, glyph, view);
        }
    }

    private void PaintObjects(int tile, Scene scene, SceneTruth truth, TileView view)
    {
        foreach (var drawn in scene.Objects)
        {
            var (left, top, right, bottom) = view.Tile(
                drawn.CentreX - (drawn.Width / 2),
                drawn.CentreY - (drawn.Height / 2),
                drawn.CentreX + (drawn.Width / 2),
                drawn.CentreY + (drawn.Height / 2));
            var (columns, rows) = Cells(left, top, right, bottom);
            for (var row = rows.First; row < rows.End; row++)
            {
                for (var column = columns.First; column < columns.End; column++)
                {
                    var x = view.StartX + ((column + 0.5) * _width * view.ScaleX);
                    var y = view.StartY + ((row + 0.5) * _height * view.ScaleY);
                    if (truth.At((float)x, (float)y).Object is var at and >= 0)
                    {
                        Set(labels.Index(tile, column, row), scene.Objects[at]);
                    }
                }
            }

            if (CellAt((left + right) / 2, (top + bottom) / 2) is var (middleColumn, middleRow))
            {
                var middle = labels.Index(tile, middleColumn, middleRow);
                Set(middle, drawn);
                labels.ObjectCentres[middle] = 1;
            }
        }
    }

    private void Set(int cell, SceneObject drawn)
    {
        labels.Shapes[cell] = (sbyte)(1 + drawn.Shape);
        labels.Colours[cell] = (sbyte)(1 + drawn.Colour);
        labels.Filled[cell] = (sbyte)(drawn.Filled ? 1 : 0);
    }

    private void PaintGlyph(int tile, GlyphBox glyph, TileView view)
    {
        var (left, top, right, bottom) = view.Tile(glyph.Left, glyph.Top, glyph.Right, glyph.Bottom);
        var height = (sbyte)Math.Clamp(Math.Round(bottom - top), 1, sbyte.MaxValue);
        var readable = bottom - top >= LeastHeight;
        var character = readable ? (sbyte)(1 + FontFace.Characters.IndexOf(glyph.Character)) : CellLabels.Unknown;
        var least = LeastShare * Math.Min(_width * _height, (right - left) * (bottom - top));
        var (columns, rows) = Cells(left, top, right, bottom);
        for (var row = rows.First; row < rows.End; row++)
        {
            for (var column = columns.First; column < columns.End; column++)
            {
                // Of two glyphs in a cell, the one with more of it.
                var wide = Math.Min(right, (column + 1) * _width) - Math.Max(left, column * _width);
                var tall = Math.Min(bottom, (row + 1) * _height) - Math.Max(top, row * _height);
                var common = wide * tall;
                var place = (row * labels.Columns) + column;
                if (common >= least && common > _common[place])
                {
                    _common[place] = common;
                    Set(labels.Index(tile, column, row), character, height);
                }
            }
        }

        if (readable && CellAt((left + right) / 2, (top + bottom) / 2) is var (middleColumn, middleRow))
        {
            var middle = labels.Index(tile, middleColumn, middleRow);
            Set(middle, character, height);
            labels.GlyphCentres[middle] = 1;
            _common[(middleRow * labels.Columns) + middleColumn] = double.PositiveInfinity;
        }
    }

    private void Set(int cell, sbyte character, sbyte height)
    {
        labels.Characters[cell] = character;
        labels.GlyphHeights[cell] = height;
    }

    /// <summary>Cells that a box touches, cut to the tile.</summary>
    private ((int First, int End) Columns, (int First, int End) Rows) Cells(double left, double top, double right, double bottom) => (
        (Math.Clamp((int)Math.Floor(left / _width), 0, labels.Columns), Math.Clamp((int)Math.Ceiling(right / _width), 0, labels.Columns)),
        (Math.Clamp((int)Math.Floor(top / _height), 0, labels.Rows), Math.Clamp((int)Math.Ceiling(bottom / _height), 0, labels.Rows)));

    private (int Column, int Row)? CellAt(double x, double y) =>
        x >= 0 && y >= 0 && x < side && y < side ? ((int)(x / _width), (int)(y / _height)) : null;
}
