namespace LlavaCluster.Core.Imaging;

/// <summary>WebP (RFC 9649): the first chunk is VP8 (lossy), VP8L (lossless) or VP8X (extended, which alone may have EXIF).</summary>
internal static class WebpHeader
{
    private const int ExifFlag = 0x08;

    public static StoredImage Read(ReadOnlySpan<byte> file)
    {
        // RIFF, size, WEBP, then chunks from 12: type, size (without padding to even), data.
        var bytes = new HeaderBytes(file, "webp");
        var type = bytes.Slice(12, 4);
        if (type.SequenceEqual("VP8X"u8))
        {
            int width = bytes.UInt24Little(24) + 1, height = bytes.UInt24Little(27) + 1;
            var exif = (bytes.Byte(20) & ExifFlag) != 0;
            return new StoredImage("webp", width, height, exif ? Orientation(bytes) : ExifOrientation.Upright);
        }

        if (type.SequenceEqual("VP8 "u8))
        {
            // Three bytes of frame tag (bit 0: not a key frame), start code, then 14 bits each and two bits of scale.
            return (bytes.Byte(20) & 1) == 0 && bytes.Slice(23, 3).SequenceEqual((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A])
                ? new StoredImage("webp", bytes.UInt16Little(26) & 0x3FFF, bytes.UInt16Little(28) & 0x3FFF, ExifOrientation.Upright)
                : throw bytes.Broken("it does not begin with a key frame");
        }

        if (type.SequenceEqual("VP8L"u8))
        {
            var size = bytes.UInt32Little(21);
            return bytes.Byte(20) == 0x2F
                ? new StoredImage("webp", (int)(size & 0x3FFF) + 1, (int)((size >> 14) & 0x3FFF) + 1, ExifOrientation.Upright)
                : throw bytes.Broken("its lossless signature is missing");
        }

        throw bytes.Broken("its first chunk is none of VP8, VP8L and VP8X");
    }

    private static int Orientation(HeaderBytes bytes)
    {
        for (long at = 12; bytes.Has(at, 8);)
        {
            var length = bytes.UInt32Little(at + 4);
            if (bytes.Slice(at, 4).SequenceEqual("EXIF"u8) && bytes.Has(at + 8, length))
            {
                return ExifOrientation.Read(bytes.Slice(at + 8, (int)length));
            }

            at += 8 + length + (length & 1);
        }

        return ExifOrientation.Upright;
    }
}
