namespace LlavaCluster.Core.Imaging;

/// <summary>A decoded picture, upright (EXIF orientation applied), 8-bit RGB, rows from the top, no padding.</summary>
public sealed class PixelBuffer
{
    /// <summary>Takes ownership of <paramref name="rgb"/>.</summary>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="rgb">[height, width, 3].</param>
    /// <exception cref="ArgumentException">The array's length is not width × height × 3.</exception>
    public PixelBuffer(int width, int height, byte[] rgb)
    {
        if (width <= 0 || height <= 0 || rgb.Length != (long)width * height * 3)
        {
            throw new ArgumentException($"{width}×{height} RGB pixels do not fit {rgb.Length} bytes.", nameof(rgb));
        }

        (Width, Height, Rgb) = (width, height, rgb);
    }

    /// <summary>Pixels of a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>[height, width, 3], 0–255. Not to be changed.</summary>
    public byte[] Rgb { get; }
}
