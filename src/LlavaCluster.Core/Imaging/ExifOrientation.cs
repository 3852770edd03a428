using System.Buffers.Binary;

namespace LlavaCluster.Core.Imaging;

/// <summary>
/// The orientation tag of an EXIF block: a TIFF header, then the first directory (EXIF 2.32, 4.6.2). A broken block counts as
/// none: a picture is not refused for its metadata.
/// </summary>
internal static class ExifOrientation
{
    public const int Upright = 1;

    private const int Tag = 0x0112, TypeByte = 1, TypeShort = 3, TypeLong = 4;

    /// <summary>1–8; 1 where the block has none.</summary>
    public static int Read(ReadOnlySpan<byte> exif)
    {
        // WebP writers often leave JPEG's prefix in.
        exif = exif.StartsWith("Exif\0\0"u8) ? exif[6..] : exif;
        if (exif.Length < 8)
        {
            return Upright;
        }

        var little = exif.StartsWith("II*\0"u8);
        if (!little && !exif.StartsWith("MM\0*"u8))
        {
            return Upright;
        }

        long directory = UInt32(exif[4..], little);
        if (directory > exif.Length - 2)
        {
            return Upright;
        }

        var count = UInt16(exif[(int)directory..], little);
        var entries = exif[((int)directory + 2)..];
        for (var i = 0; i < count && entries.Length >= 12; i++, entries = entries[12..])
        {
            // An entry: tag, type, count, value.
            if (UInt16(entries, little) == Tag)
            {
                uint value = UInt16(entries[2..], little) switch
                {
                    TypeByte => entries[8],
                    TypeShort => UInt16(entries[8..], little),
                    TypeLong => UInt32(entries[8..], little),
                    _ => 0u,
                };
                return value is >= 1 and <= 8 ? (int)value : Upright;
            }
        }

        return Upright;
    }

    private static ushort UInt16(ReadOnlySpan<byte> at, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);

    private static uint UInt32(ReadOnlySpan<byte> at, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(at) : BinaryPrimitives.ReadUInt32BigEndian(at);
}
