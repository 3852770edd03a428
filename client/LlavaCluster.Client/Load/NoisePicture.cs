using System.Buffers.Binary;

namespace LlavaCluster.Client.Load;

/// <summary>Pictures that no cache has seen: a BMP file of noise in large squares, another for each number.</summary>
internal static class NoisePicture
{
    private const int Header = 54, Square = 16;

    /// <summary>The file.</summary>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="number">Which picture.</param>
    public static byte[] Of(int width, int height, int number)
    {
        var row = ((width * 3) + 3) / 4 * 4;
        var file = new byte[Header + (row * height)];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), Header);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), 24);
        var random = new Random(number);
        var colours = new byte[((width / Square) + 1) * 3];
        for (var y = 0; y < height; y++)
        {
            if (y % Square == 0)
            {
                random.NextBytes(colours);
            }

            for (var x = 0; x < width; x++)
            {
                colours.AsSpan(x / Square * 3, 3).CopyTo(file.AsSpan(Header + (y * row) + (x * 3)));
            }
        }

        return file;
    }
}
