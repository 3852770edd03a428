namespace LlavaCluster.Core.Imaging;

/// <summary>
/// A picture cut into the tiles that the vision tower sees: base tile first, then the grid row by row. Kept as bytes, a fifth of what bytes
/// and numbers would take; the numbers are made where they are needed.
/// </summary>
/// <param name="Geometry">How the picture was laid out.</param>
/// <param name="Side">Pixels of a tile's side.</param>
/// <param name="Bytes">[tiles, 3, side, side], 0–255, before rescale and normalise.</param>
/// <param name="Levels">What the bytes become.</param>
public sealed record ImageTiles(ImageGeometry Geometry, int Side, byte[] Bytes, PixelLevels Levels)
{
    /// <summary>How many tiles, base tile included.</summary>
    public int Count => Geometry.Tiles;

    /// <summary>Numbers of one tile.</summary>
    public int TileLength => 3 * Side * Side;

    /// <summary>Writes one tile as the tower takes it.</summary>
    /// <param name="tile">Which.</param>
    /// <param name="target">[3, side, side], float32, normalised.</param>
    public void Normalise(int tile, Span<float> target) =>
        Levels.Normalise(Bytes.AsSpan(tile * TileLength, TileLength), Side * Side, target);

    /// <summary>All tiles, in new memory.</summary>
    /// <returns>[tiles, 3, side, side], float32, normalised.</returns>
    public float[] Normalised()
    {
        var pixels = GC.AllocateUninitializedArray<float>(Bytes.Length);
        Levels.Normalise(Bytes, Side * Side, pixels);
        return pixels;
    }
}
