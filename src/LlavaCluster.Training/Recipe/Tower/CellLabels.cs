using LlavaCluster.Training.Recipe.Network;

namespace LlavaCluster.Training.Recipe.Tower;

/// <summary>Labels of a number of tiles, one value for each cell: [tiles, patches, cells of a patch], row by row.</summary>
internal sealed class CellLabels
{
    /// <summary>A cell whose glyph is too small for anyone to tell.</summary>
    public const sbyte Unknown = -100;

    private readonly PatchCells _cells;
    private readonly int _grid;

    /// <summary>Empty labels: nothing anywhere.</summary>
    /// <param name="tiles">How many tiles.</param>
    /// <param name="grid">Patches along a tile's side.</param>
    /// <param name="cells">The division of patches.</param>
    public CellLabels(int tiles, int grid, PatchCells cells)
    {
        (_cells, _grid) = (cells, grid);
        PerTile = grid * grid * cells.Count;
        Shapes = new sbyte[tiles * PerTile];
        Colours = new sbyte[tiles * PerTile];
        Characters = new sbyte[tiles * PerTile];
        Filled = new sbyte[tiles * PerTile];
        ObjectCentres = new sbyte[tiles * PerTile];
        GlyphCentres = new sbyte[tiles * PerTile];
        GlyphHeights = new sbyte[tiles * PerTile];
    }

    /// <summary>Cells of a tile.</summary>
    public int PerTile { get; }

    /// <summary>Cells along a tile's row of pixels.</summary>
    public int Columns => _grid * _cells.Columns;

    /// <summary>Cells along a tile's column of pixels.</summary>
    public int Rows => _grid * _cells.Rows;

    /// <summary>0: no object; else 1 + its shape.</summary>
    public sbyte[] Shapes { get; }

    /// <summary>0: no object; else 1 + its colour.</summary>
    public sbyte[] Colours { get; }

    /// <summary>0: no glyph; else 1 + its place in A–Z, 0–9; or <see cref="Unknown"/>.</summary>
    public sbyte[] Characters { get; }

    /// <summary>1: the object is filled.</summary>
    public sbyte[] Filled { get; }

    /// <summary>1: the middle of an object lies here.</summary>
    public sbyte[] ObjectCentres { get; }

    /// <summary>1: the middle of a glyph lies here.</summary>
    public sbyte[] GlyphCentres { get; }

    /// <summary>Height of the glyph in the tile's pixels; accuracy is told by it.</summary>
    public sbyte[] GlyphHeights { get; }

    /// <summary>Index of a cell.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="column">Cell column in the tile.</param>
    /// <param name="row">Cell row in the tile.</param>
    public int Index(int tile, int column, int row)
    {
        var patch = (row / _cells.Rows * _grid) + (column / _cells.Columns);
        var cell = (row % _cells.Rows * _cells.Columns) + (column % _cells.Columns);
        return (tile * PerTile) + (patch * _cells.Count) + cell;
    }
}
