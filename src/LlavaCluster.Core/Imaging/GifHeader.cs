namespace LlavaCluster.Core.Imaging;

/// <summary>GIF (https://www.w3.org/Graphics/GIF/spec-gif89a.txt): up to the first image descriptor.</summary>
internal static class GifHeader
{
    private const byte ImageSeparator = 0x2C, ExtensionIntroducer = 0x21, ControlLabel = 0xF9;

    public static StoredImage Read(ReadOnlySpan<byte> file)
    {
        var frame = FirstFrame(file);
        return new StoredImage("gif", frame.Width, frame.Height, ExifOrientation.Upright);
    }

    /// <summary>Where the first frame's control block and colours stand.</summary>
    public static GifFrame FirstFrame(ReadOnlySpan<byte> file)
    {
        var bytes = new HeaderBytes(file, "gif");
        int width = bytes.UInt16Little(6), height = bytes.UInt16Little(8);
        var table = TableBytes(bytes.Byte(10));
        long colours = table == 0 ? -1 : 13, control = -1;
        for (var at = 13L + table; ;)
        {
            switch (bytes.Byte(at))
            {
                case ImageSeparator:
                    // Decoders widen the screen to a first frame that reaches past it.
                    width = Math.Max(width, bytes.UInt16Little(at + 1) + bytes.UInt16Little(at + 5));
                    height = Math.Max(height, bytes.UInt16Little(at + 3) + bytes.UInt16Little(at + 7));
                    return new GifFrame(width, height, control, TableBytes(bytes.Byte(at + 9)) > 0 ? at + 10 : colours);
                case ExtensionIntroducer:
                    if (bytes.Byte(at + 1) == ControlLabel && bytes.Byte(at + 2) == 4)
                    {
                        control = at + 3;
                    }

                    at = SkipBlocks(bytes, at + 2);
                    break;
                default:
                    throw bytes.Broken($"byte {bytes.Byte(at):X2} at {at} begins no block");
            }
        }
    }

    /// <summary>Bytes of the colour table that a packed field announces; 0 when there is none.</summary>
    private static int TableBytes(byte packed) => (packed & 0x80) == 0 ? 0 : 3 << ((packed & 7) + 1);

    private static long SkipBlocks(HeaderBytes bytes, long at)
    {
        for (byte length; (length = bytes.Byte(at)) > 0;)
        {
            at += 1 + length;
        }

        return at + 1;
    }
}

/// <summary>The first frame of a GIF.</summary>
/// <param name="Width">Pixels of the screen's rows, the frame included.</param>
/// <param name="Height">Rows of the screen, the frame included.</param>
/// <param name="Control">
/// Offset of the control block's four bytes (packed field with the transparency bit 0, delay, transparent index), or −1.
/// </param>
/// <param name="Colours">Offset of the colour table that the frame uses, or −1 when there is none.</param>
internal readonly record struct GifFrame(int Width, int Height, long Control, long Colours);
