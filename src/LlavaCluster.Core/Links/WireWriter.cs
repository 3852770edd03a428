using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace LlavaCluster.Core.Links;

/// <summary>
/// Writes numbers and texts one after the other into memory that grows and is kept. Whole numbers take as many bytes as they need: seven
/// bits in each, low ones first, signs in the lowest bit.
/// </summary>
internal sealed class WireWriter
{
    private const int MostBytes = 10;

    private byte[] _bytes = new byte[4096];

    /// <summary>What is written so far; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public int Length { get; private set; }

    public void Clear() => Length = 0;

    public void Byte(byte value) => Take(1)[0] = value;

    public void Flag(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void Int(long value) => Unsigned((ulong)(value << 1) ^ (ulong)(value >> 63));

    public void Unsigned(ulong value)
    {
        Room(MostBytes);
        Put(value);
    }

    public void Single(float value) => BinaryPrimitives.WriteSingleLittleEndian(Take(4), value);

    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);

    /// <summary>Writes over four bytes that are there already.</summary>
    public void UInt32At(int position, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(position, 4), value);

    public void Ints(ReadOnlySpan<int> values)
    {
        Int(values.Length);
        Room((long)values.Length * MostBytes);
        foreach (long value in values)
        {
            Put((ulong)(value << 1) ^ (ulong)(value >> 63));
        }
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Int(value.Length);
        value.CopyTo(Take(value.Length));
    }

    /// <summary>A text may hold halves of characters; they stay what they are.</summary>
    public void Text(string value) => Bytes(MemoryMarshal.AsBytes(value.AsSpan()));

    private void Put(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            _bytes[Length++] = (byte)(value | 0x80);
        }

        _bytes[Length++] = (byte)value;
    }

    private Span<byte> Take(int count)
    {
        Room(count);
        Length += count;
        return _bytes.AsSpan(Length - count, count);
    }

    private void Room(long count)
    {
        if (_bytes.Length - Length < count)
        {
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(_bytes.Length * 2L, Length + count)));
        }
    }
}
