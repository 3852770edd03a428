namespace LlavaCluster.Core.Imaging;

/// <summary>A picture cut into the tiles that the vision tower sees: base tile first, then the grid row by row.</summary>
/// <param name="Geometry">How the picture was laid out.</param>
/// <param name="Side">Pixels of a tile's side.</param>
/// <param name="Bytes">[tiles, 3, side, side], 0–255, before rescale and normalise.</param>
/// <param name="Pixels">[tiles, 3, side, side], float32, normalised.</param>
public sealed record ImageTiles(ImageGeometry Geometry, int Side, byte[] Bytes, float[] Pixels)
{
    /// <summary>How many tiles, base tile included.</summary>
    public int Count => Geometry.Tiles;
}
