using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace LlavaCluster.Core.Links;

/// <summary>
/// Reads what <see cref="WireWriter"/> has written. The bytes may be anybody's: no count is believed that the bytes left could not hold,
/// so that what is allocated is bounded by what has come.
/// </summary>
/// <param name="bytes">All of one message.</param>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _left = bytes;

    public readonly int Left => _left.Length;

    public byte Byte() => Take(1)[0];

    public bool Flag() => Byte() switch
    {
        0 => false,
        1 => true,
        var other => throw Bad($"a yes or no is {other}"),
    };

    public long Int()
    {
        var value = Unsigned();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    public int Int32() => Int() is var value && value is >= int.MinValue and <= int.MaxValue
        ? (int)value
        : throw Bad($"{value} is no 32-bit number");

    public ulong Unsigned()
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            var next = Byte();
            if (shift == 63 && next > 1)
            {
                break;
            }

            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Bad("a number has more than 64 bits");
    }

    public float Single() => BinaryPrimitives.ReadSingleLittleEndian(Take(4));

    /// <summary>A count of things that take at least so many bytes each.</summary>
    public int Count(int leastBytes)
    {
        var count = Int();
        return count >= 0 && count <= _left.Length / leastBytes
            ? (int)count
            : throw Bad($"{count} entries cannot be in the {_left.Length} bytes left");
    }

    public int[] Ints()
    {
        var values = new int[Count(1)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Int32();
        }

        return values;
    }

    public ReadOnlySpan<byte> Bytes() => Take(Count(1));

    public string Text()
    {
        var bytes = Bytes();
        return bytes.Length % 2 == 0 ? new string(MemoryMarshal.Cast<byte, char>(bytes)) : throw Bad("half a letter is left over");
    }

    /// <summary>Nothing may follow.</summary>
    public readonly void End()
    {
        if (_left.Length > 0)
        {
            throw Bad($"{_left.Length} bytes are left over");
        }
    }

    public static InvalidDataException Bad(string what) => new($"A message between ranks is damaged: {what}.");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _left.Length)
        {
            throw Bad($"{count} bytes are due, {_left.Length} are left");
        }

        var taken = _left[..count];
        _left = _left[count..];
        return taken;
    }
}
