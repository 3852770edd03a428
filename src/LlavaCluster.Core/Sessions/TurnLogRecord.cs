using System.Buffers.Binary;
using System.Buffers.Text;
using System.Numerics;
using System.Text.Json;

namespace LlavaCluster.Core.Sessions;

/// <summary>
/// One line of a log: the checksum (CRC-32C) of the rest as 8 hexadecimal digits, a blank, JSON, a line break. So a line that a crash left
/// half, or a disk changed, is known for what it is, and a person can still read the log.
/// </summary>
public static class TurnLogRecord
{
    private const int SumLength = 8;

    /// <summary>The line of an entry.</summary>
    public static byte[] Write(TurnLogEntry entry) => Write(TurnLogJson.Write(entry));

    /// <summary>The line of some JSON that has no line breaks.</summary>
    internal static byte[] Write(ReadOnlySpan<byte> json)
    {
        var line = new byte[SumLength + 1 + json.Length + 1];
        Utf8Formatter.TryFormat(Sum(json), line, out _, new('x', SumLength));
        line[SumLength] = (byte)' ';
        json.CopyTo(line.AsSpan(SumLength + 1));
        line[^1] = (byte)'\n';
        return line;
    }

    /// <summary>The entry of a line.</summary>
    /// <param name="line">With or without its line break.</param>
    /// <exception cref="InvalidDataException">The line is damaged.</exception>
    public static TurnLogEntry Read(ReadOnlySpan<byte> line)
    {
        if (!TryOpen(line, out var json))
        {
            throw new InvalidDataException("the checksum differs");
        }

        try
        {
            return TurnLogJson.Read(json);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(error.Message, error);
        }
    }

    /// <summary>The JSON of a line whose checksum is right.</summary>
    internal static bool TryOpen(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> json)
    {
        line = line is [.., (byte)'\n'] ? line[..^1] : line;
        json = line.Length > SumLength ? line[(SumLength + 1)..] : default;
        return line.Length > SumLength
            && line[SumLength] == ' '
            && Utf8Parser.TryParse(line[..SumLength], out uint sum, out var used, 'x')
            && used == SumLength
            && sum == Sum(json);
    }

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var value in bytes)
        {
            sum = BitOperations.Crc32C(sum, value);
        }

        return ~sum;
    }
}
