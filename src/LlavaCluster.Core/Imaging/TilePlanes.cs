namespace LlavaCluster.Core.Imaging;

/// <summary>Tiles under construction: channel planes, black where nothing was pasted.</summary>
internal sealed class TilePlanes(int tiles, int side)
{
    /// <summary>[tiles, 3, side, side].</summary>
    public byte[] Bytes { get; } = new byte[checked(tiles * 3 * side * side)];

    /// <summary>Lays a picture on the canvas that the tiles from <paramref name="firstTile"/> on make up, row by row.</summary>
    /// <param name="rgb">[height, width, 3].</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="firstTile">The canvas's top left tile.</param>
    /// <param name="columns">Tiles of the canvas from left to right.</param>
    /// <param name="left">Canvas column of the picture's first.</param>
    /// <param name="top">Canvas row of the picture's first.</param>
    public void Paste(byte[] rgb, int width, int height, int firstTile, int columns, int left, int top)
    {
        var plane = side * side;
        for (var y = 0; y < height; y++)
        {
            var (tileRow, row) = Math.DivRem(top + y, side);
            for (var x = 0; x < width;)
            {
                // The run of this row that lies in one tile.
                var (tileColumn, column) = Math.DivRem(left + x, side);
                var run = Math.Min(side - column, width - x);
                var at = ((firstTile + (tileRow * columns) + tileColumn) * 3 * plane) + (row * side) + column;
                Split(
                    rgb.AsSpan(((y * width) + x) * 3, run * 3),
                    Bytes.AsSpan(at, run),
                    Bytes.AsSpan(at + plane, run),
                    Bytes.AsSpan(at + (2 * plane), run));
                x += run;
            }
        }
    }

    private static void Split(ReadOnlySpan<byte> rgb, Span<byte> red, Span<byte> green, Span<byte> blue)
    {
        for (var i = 0; i < red.Length; i++)
        {
            red[i] = rgb[i * 3];
            green[i] = rgb[(i * 3) + 1];
            blue[i] = rgb[(i * 3) + 2];
        }
    }
}
