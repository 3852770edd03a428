using SkiaSharp;

namespace LlavaCluster.Training.Drawing;

/// <summary>Normal noise on every channel of every pixel.</summary>
internal static class PixelNoise
{
    private const int TableSize = 1 << 14;

    /// <summary>A strip of normal noise, scaled by 2⁸; each row of a picture reads it from another place on.</summary>
    private static readonly short[] Table = MakeTable();

    /// <summary>Adds noise to a bitmap of four bytes per pixel.</summary>
    /// <param name="bitmap">Changed.</param>
    /// <param name="deviation">Standard deviation, 0–255.</param>
    /// <param name="chance">Decides the noise.</param>
    public static void Add(SKBitmap bitmap, double deviation, Chance chance)
    {
        var pixels = bitmap.GetPixelSpan(out var stride);
        var scale = (int)Math.Round(deviation * 256);
        for (var y = 0; y < bitmap.Height; y++)
        {
            var row = pixels.Slice(y * stride, bitmap.Width * 4);
            var place = chance.Below(TableSize);
            for (var i = 0; i < row.Length; i++)
            {
                if ((i & 3) != 3)
                {
                    row[i] = (byte)Math.Clamp(row[i] + ((Table[place++ & (TableSize - 1)] * scale) >> 16), 0, 255);
                }
            }
        }
    }

    /// <summary>The bytes of a bitmap that may be written.</summary>
    private static unsafe Span<byte> GetPixelSpan(this SKBitmap bitmap, out int stride)
    {
        stride = bitmap.RowBytes;
        return new Span<byte>((void*)bitmap.GetPixels(), stride * bitmap.Height);
    }

    private static short[] MakeTable()
    {
        var chance = new Chance(1);
        var table = new short[TableSize];
        for (var i = 0; i < TableSize; i++)
        {
            // Box and Muller's formula.
            var normal = Math.Sqrt(-2 * Math.Log(1 - chance.Unit())) * Math.Cos(2 * Math.PI * chance.Unit());
            table[i] = (short)Math.Clamp(Math.Round(normal * 256), short.MinValue, short.MaxValue);
        }

        return table;
    }
}
