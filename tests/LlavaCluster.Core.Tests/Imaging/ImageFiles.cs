using System.Buffers.Binary;

namespace LlavaCluster.Core.Tests.Imaging;

/// <summary>Small hand-made image headers.</summary>
internal static class ImageFiles
{
    /// <summary>A PNG up to and with IHDR, then the given chunks.</summary>
    public static byte[] Png(uint width, uint height, params (string Type, byte[] Data)[] chunks)
    {
        byte[] header = [.. Big(width), .. Big(height), 8, 2, 0, 0, 0];
        return [0x89, .. "PNG\r\n\x1a\n"u8, .. Chunk("IHDR", header), .. chunks.SelectMany(c => Chunk(c.Type, c.Data))];
    }

    /// <summary>A JPEG of segments and the start of a scan.</summary>
    public static byte[] Jpeg(params (byte Marker, byte[] Data)[] segments) =>
    [
        0xFF, 0xD8,
        .. segments.SelectMany(s => (byte[])[0xFF, s.Marker, (byte)((s.Data.Length + 2) >> 8), (byte)(s.Data.Length + 2), .. s.Data]),
        0xFF, 0xDA, 0, 2,
    ];

    /// <summary>A frame segment's data.</summary>
    public static byte[] Frame(ushort width, ushort height) =>
        [8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];

    /// <summary>A WebP of chunks.</summary>
    public static byte[] Webp(params (string Type, byte[] Data)[] chunks)
    {
        byte[] body = [.. "WEBP"u8, .. chunks.SelectMany(c =>
            (byte[])[.. c.Type.Select(t => (byte)t), .. Little((uint)c.Data.Length), .. c.Data, .. new byte[c.Data.Length & 1]])];
        return [.. "RIFF"u8, .. Little((uint)body.Length), .. body];
    }

    /// <summary>A VP8X chunk's data.</summary>
    public static byte[] Vp8x(byte flags, int width, int height) =>
        [flags, 0, 0, 0, .. Little((uint)width - 1)[..3], .. Little((uint)height - 1)[..3]];

    /// <summary>A BMP's file header and info header.</summary>
    public static byte[] Bmp(int width, int height) =>
        [.. "BM"u8, .. new byte[12], .. Little(40), .. Little((uint)width), .. Little((uint)height), 1, 0, 24, 0];

    /// <summary>An EXIF block whose first directory has one other entry and the orientation.</summary>
    public static byte[] Exif(bool little, ushort type, uint orientation)
    {
        byte[] Number(uint value, int bytes) => little ? Little(value)[..bytes] : Big(value)[(4 - bytes)..];
        byte[] value = type == 3 ? [.. Number(orientation, 2), 0, 0] : type == 1 ? [(byte)orientation, 0, 0, 0] : Number(orientation, 4);
        return
        [
            .. little ? "II*\0"u8 : "MM\0*"u8, .. Number(8, 4), .. Number(2, 2),
            .. Number(0x0100, 2), .. Number(4, 2), .. Number(1, 4), .. Number(640, 4),
            .. Number(0x0112, 2), .. Number(type, 2), .. Number(1, 4), .. value,
            .. Number(0, 4),
        ];
    }

    private static byte[] Chunk(string type, byte[] data) =>
        [.. Big((uint)data.Length), .. type.Select(c => (byte)c), .. data, 0, 0, 0, 0];

    private static byte[] Big(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Little(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
