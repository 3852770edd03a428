namespace LlavaCluster.Core.Imaging;

/// <summary>
/// JPEG (ITU-T T.81, annex B): a walk over the marker segments up to the first scan. The size is in the frame header SOFn, the
/// orientation in an APP1 segment that begins with "Exif\0\0".
/// </summary>
internal static class JpegHeader
{
    private const int StartOfScan = 0xDA, EndOfImage = 0xD9, App1 = 0xE1;

    public static ReadOnlySpan<byte> Signature => [0xFF, 0xD8, 0xFF];

    public static StoredImage Read(ReadOnlySpan<byte> file)
    {
        var bytes = new HeaderBytes(file, "jpeg");
        int width = -1, height = -1, orientation = -1;
        for (long at = 2; bytes.Has(at, 2);)
        {
            int marker = bytes.Byte(at + 1);
            if (bytes.Byte(at) != 0xFF || marker is 0xFF)
            {
                at++; // Junk between segments and fill bytes are skipped, as libjpeg does.
                continue;
            }

            if (marker is StartOfScan or EndOfImage)
            {
                break;
            }

            if (marker is 0x00 or 0x01 or (>= 0xD0 and <= 0xD8))
            {
                at += 2; // Markers without a segment.
                continue;
            }

            if (!bytes.Has(at + 2, 2))
            {
                break;
            }

            var length = bytes.UInt16Big(at + 2); // Counts its own two bytes.
            if (length < 2)
            {
                throw bytes.Broken($"segment {marker:X2} has length {length}, less than 2");
            }

            if (IsFrame(marker) && width < 0)
            {
                // FF Cn, length, precision, height, width
                (height, width) = (bytes.UInt16Big(at + 5), bytes.UInt16Big(at + 7));
            }
            else if (marker == App1 && orientation < 0 && bytes.Has(at + 4, length - 2)
                && bytes.Slice(at + 4, length - 2).StartsWith("Exif\0\0"u8))
            {
                orientation = ExifOrientation.Read(bytes.Slice(at + 10, length - 8));
            }

            at += 2 + length;
        }

        return width < 0
            ? throw bytes.Truncated()
            : new StoredImage("jpeg", width, height, Math.Max(orientation, ExifOrientation.Upright));
    }

    /// <summary>SOF0 … SOF15 without DHT (C4), JPG (C8) and DAC (CC), which lie between them.</summary>
    private static bool IsFrame(int marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);
}
