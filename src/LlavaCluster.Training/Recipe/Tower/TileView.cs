using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Training.Recipe.Tower;

/// <summary>Where a tile's pixels lie in its picture: picture = start + tile × scale, along each axis.</summary>
/// <param name="StartX">Picture column of the tile's left edge.</param>
/// <param name="StartY">Picture row of the tile's top edge.</param>
/// <param name="ScaleX">Picture pixels for one of the tile's.</param>
/// <param name="ScaleY">Picture pixels for one of the tile's.</param>
internal readonly record struct TileView(double StartX, double StartY, double ScaleX, double ScaleY)
{
    /// <summary>The view of a tile.</summary>
    /// <param name="geometry">The picture's layout.</param>
    /// <param name="side">Pixels of a tile's side.</param>
    /// <param name="tile">0: the base tile, then the grid row by row.</param>
    public static TileView Of(ImageGeometry geometry, int side, int tile)
    {
        if (tile == 0)
        {
            return new TileView(0, 0, (double)geometry.Width / side, (double)geometry.Height / side);
        }

        var (row, column) = Math.DivRem(tile - 1, geometry.GridColumns);
        double scaleX = (double)geometry.Width / geometry.ResizedWidth, scaleY = (double)geometry.Height / geometry.ResizedHeight;
        int left = (geometry.CanvasWidth - geometry.ResizedWidth) / 2, top = (geometry.CanvasHeight - geometry.ResizedHeight) / 2;
        return new TileView(((column * side) - left) * scaleX, ((row * side) - top) * scaleY, scaleX, scaleY);
    }

    /// <summary>A box of the picture in the tile's pixels.</summary>
    public (double Left, double Top, double Right, double Bottom) Tile(double left, double top, double right, double bottom) =>
        ((left - StartX) / ScaleX, (top - StartY) / ScaleY, (right - StartX) / ScaleX, (bottom - StartY) / ScaleY);
}
