using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using LlavaCluster.Protos;
using LlavaCluster.Tests;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>Pictures, good and bad, as files' bytes and as parts of turns.</summary>
internal static class SamplePictures
{
    /// <summary>Bytes of a PNG file's signature and first chunk.</summary>
    private const int HeaderLength = 33;

    /// <summary>The path of a golden picture.</summary>
    public static string PathOf(string name) => GoldenFolder.Of("pictures", name);

    /// <summary>A golden picture.</summary>
    public static Part Of(string name) => Part(File.ReadAllBytes(PathOf(name)));

    /// <summary>A golden PNG picture with a note in its file: the same pixels, and another hash.</summary>
    public static Part Marked(string name, string note)
    {
        var file = File.ReadAllBytes(PathOf(name));
        var chunk = Encoding.Latin1.GetBytes($"....tEXtComment\0{note}....");
        BinaryPrimitives.WriteInt32BigEndian(chunk, chunk.Length - 12);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Crc32(chunk.AsSpan(4, chunk.Length - 8)));
        return Part([.. file[..HeaderLength], .. chunk, .. file[HeaderLength..]]);
    }

    /// <summary>A part of these bytes.</summary>
    public static Part Part(byte[] file) => new() { Image = ByteString.CopyFrom(file) };

    /// <summary>A whole JPEG file, cut in the middle of its pixels.</summary>
    public static byte[] CutJpeg()
    {
        var whole = File.ReadAllBytes(GoldenFolder.Of("file-forms", "jpeg-444.jpg"));
        return whole[..(whole.Length / 2)];
    }

    /// <summary>The signature and header of a PNG file of that size; no pixel follows.</summary>
    public static byte[] PngHeader(int width, int height)
    {
        var file = new byte[HeaderLength];
        ReadOnlySpan<byte> signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0, 0, 13];
        signature.CopyTo(file);
        "IHDR"u8.CopyTo(file.AsSpan(12));
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(20), height);
        (file[24], file[25]) = (8, 2);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), Crc32(file.AsSpan(12, 17)));
        return file;
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }
        }

        return ~crc;
    }
}
