using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace LlavaCluster.Model.Tests.Vision;

/// <summary>Whole image files built byte by byte, of forms that no encoder at hand writes.</summary>
internal static class HandMadeImages
{
    /// <summary>A PNG of one row.</summary>
    /// <param name="colourType">0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.</param>
    public static byte[] PngRow(int width, byte depth, byte colourType, byte[] row)
    {
        byte[] header = [0, 0, 0, (byte)width, 0, 0, 0, 1, depth, colourType, 0, 0, 0];
        using var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            zlib.Write([0, .. row]);
        }

        byte[] signature = [0x89, .. "PNG\r\n\x1a\n"u8];
        return [.. signature, .. Chunk("IHDR", header), .. Chunk("IDAT", compressed.ToArray()), .. Chunk("IEND", [])];
    }

    /// <summary>
    /// A GIF of 6×2 pixels whose frame covers the last four of the first row, one of each colour: (200,10,20), (30,220,40),
    /// (50,60,230), (90,80,70).
    /// </summary>
    public static byte[] Gif(byte? transparent)
    {
        byte[] control = transparent is { } index ? [0x21, 0xF9, 4, 1, 0, 0, index, 0] : [];
        // Codes of three bits: clear, 0, 1, clear, 2, 3, end; the least significant bit comes first.
        int[] codes = [4, 0, 1, 4, 2, 3, 5];
        var packed = codes.Select((code, i) => (long)code << (3 * i)).Sum();
        return
        [
            .. "GIF89a"u8, 6, 0, 2, 0, 0x80 | 0x70 | 1, 0, 0,
            200, 10, 20, 30, 220, 40, 50, 60, 230, 90, 80, 70,
            .. control,
            0x2C, 2, 0, 0, 0, 4, 0, 1, 0, 0,
            2, 3, (byte)packed, (byte)(packed >> 8), (byte)(packed >> 16), 0, 0x3B,
        ];
    }

    private static byte[] Chunk(string type, byte[] data)
    {
        byte[] body = [.. Encoding.ASCII.GetBytes(type), .. data];
        var bytes = new byte[body.Length + 8];
        BinaryPrimitives.WriteInt32BigEndian(bytes, data.Length);
        body.CopyTo(bytes, 4);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(body.Length + 4), Checksum(body));
        return bytes;
    }

    /// <summary>CRC-32 as PNG has it.</summary>
    private static uint Checksum(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) == 0 ? 0 : 0xEDB88320);
            }
        }

        return ~crc;
    }
}
