using System.Buffers.Binary;
using System.Text;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>Walks over the fields of one protobuf message. Throws <see cref="FormatException"/> where the bytes are not one.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Value of a varint or fixed-width field.</summary>
    public ulong Number { get; private set; }

    /// <summary>Bytes of a length-delimited field.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>The field as a text.</summary>
    public readonly string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>The field as a flag.</summary>
    public readonly bool Flag => Number != 0;

    /// <summary>The field as an integer.</summary>
    public readonly int Integer => (int)(long)Number;

    /// <summary>The field as a float.</summary>
    public readonly float Single => BitConverter.UInt32BitsToSingle((uint)Number);

    /// <summary>Goes to the next field; false at the end.</summary>
    public bool TryNext()
    {
        if (_at == _bytes.Length)
        {
            return false;
        }

        var tag = ReadVarint();
        (Field, Number) = ((int)(tag >> 3), 0);
        Bytes = default;
        switch (tag & 7)
        {
            case 0:
                Number = ReadVarint();
                break;
            case 1:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                Bytes = Take(ReadVarint());
                break;
            case 5:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw new FormatException($"field {Field} at byte {_at:N0} has wire type {tag & 7}");
        }

        return true;
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(_bytes.Length - _at))
        {
            throw new FormatException($"field {Field} at byte {_at:N0} takes {count:N0} bytes and {_bytes.Length - _at:N0} are left");
        }

        var taken = _bytes.Slice(_at, (int)count);
        _at += (int)count;
        return taken;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (_at == _bytes.Length)
            {
                break;
            }

            var b = _bytes[_at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }

        throw new FormatException($"a number at byte {_at:N0} has no end");
    }
}
