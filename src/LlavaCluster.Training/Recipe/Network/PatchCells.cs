namespace LlavaCluster.Training.Recipe.Network;

/// <summary>
/// How a patch is divided for labels: a small glyph is narrower than a patch, so that the tower must tell several for each. Cells are
/// about as large as the smallest glyphs that are read, 5 × 7 pixels.
/// </summary>
/// <param name="Columns">Cells from left to right.</param>
/// <param name="Rows">Cells from top to bottom.</param>
internal sealed record PatchCells(int Columns, int Rows)
{
    /// <summary>Cells of a patch.</summary>
    public int Count => Columns * Rows;

    /// <summary>The division for patches of this side, pixels.</summary>
    public static PatchCells For(int patchSide) =>
        new(Math.Max(1, (int)Math.Round(patchSide / 4.7)), Math.Max(1, (int)Math.Round(patchSide / 7.0)));
}
