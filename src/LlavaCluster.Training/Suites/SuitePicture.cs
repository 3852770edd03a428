using System.Buffers.Binary;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Training.Suites;

/// <summary>A picture of a suite, as a file that any program reads. One object per picture, however many questions are about it.</summary>
public sealed class SuitePicture
{
    private const int HeaderBytes = 54;

    internal SuitePicture(PixelBuffer pixels) => File = Bitmap(pixels);

    /// <summary>The file: BMP, which costs no time to write and loses nothing.</summary>
    public byte[] File { get; }

    /// <summary>24 bits per pixel, rows from the bottom up, each filled up to a multiple of 4 bytes.</summary>
    private static byte[] Bitmap(PixelBuffer pixels)
    {
        var stride = ((pixels.Width * 3) + 3) / 4 * 4;
        var file = new byte[HeaderBytes + (stride * pixels.Height)];
        "BM"u8.CopyTo(file);
        Number(2, file.Length);
        Number(10, HeaderBytes);
        Number(14, 40);
        Number(18, pixels.Width);
        Number(22, pixels.Height);
        Number(26, 1 | (24 << 16)); // planes, bits per pixel
        Number(34, stride * pixels.Height);
        for (var y = 0; y < pixels.Height; y++)
        {
            var from = pixels.Rgb.AsSpan(y * pixels.Width * 3, pixels.Width * 3);
            var to = file.AsSpan(HeaderBytes + ((pixels.Height - 1 - y) * stride));
            for (var i = 0; i < from.Length; i += 3)
            {
                (to[i], to[i + 1], to[i + 2]) = (from[i + 2], from[i + 1], from[i]);
            }
        }

        return file;

        void Number(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
    }
}
