namespace LlavaCluster.Core.Imaging;

/// <summary>Windows bitmap: the old 12-byte header has 16-bit sizes, all later ones 32-bit; a negative height counts from the top.</summary>
internal static class BmpHeader
{
    public static StoredImage Read(ReadOnlySpan<byte> file)
    {
        var bytes = new HeaderBytes(file, "bmp");
        var length = bytes.UInt32Little(14);
        if (length == 12)
        {
            return new StoredImage("bmp", bytes.UInt16Little(18), bytes.UInt16Little(20), ExifOrientation.Upright);
        }

        int width = bytes.Int32Little(18), height = bytes.Int32Little(22);
        return length < 16 || height == int.MinValue
            ? throw bytes.Broken($"an info header of {length} bytes with {width}×{height} pixels")
            : new StoredImage("bmp", width, Math.Abs(height), ExifOrientation.Upright);
    }
}
