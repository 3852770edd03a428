namespace LlavaCluster.Core.Imaging;

/// <summary>PNG (https://www.w3.org/TR/png-3/): IHDR comes first; eXIf may stand anywhere before IEND.</summary>
internal static class PngHeader
{
    public static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    public static StoredImage Read(ReadOnlySpan<byte> file)
    {
        var bytes = new HeaderBytes(file, "png");
        if (!bytes.Slice(12, 4).SequenceEqual("IHDR"u8))
        {
            throw bytes.Broken("its first chunk is not IHDR");
        }

        uint width = bytes.UInt32Big(16), height = bytes.UInt32Big(20);
        if (width > int.MaxValue || height > int.MaxValue)
        {
            throw bytes.Broken($"{width}×{height} pixels are more than the format allows");
        }

        return new StoredImage("png", (int)width, (int)height, Orientation(bytes));
    }

    private static int Orientation(HeaderBytes bytes)
    {
        // A chunk: length, type, data, checksum. IHDR ends at 33.
        for (long at = 33; bytes.Has(at, 8);)
        {
            var length = bytes.UInt32Big(at);
            var type = bytes.Slice(at + 4, 4);
            if (type.SequenceEqual("IEND"u8))
            {
                break;
            }

            if (type.SequenceEqual("eXIf"u8) && bytes.Has(at + 8, length))
            {
                return ExifOrientation.Read(bytes.Slice(at + 8, (int)length));
            }

            at += 12L + length;
        }

        return ExifOrientation.Upright;
    }
}
