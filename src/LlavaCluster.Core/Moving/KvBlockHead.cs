using System.Buffers.Binary;

namespace LlavaCluster.Core.Moving;

/// <summary>What stands before the bytes of each block: key (16), checksum (16), length (8), little endian.</summary>
/// <param name="Key">What and all before it the block holds.</param>
/// <param name="Sum"><see cref="Tiering.BlockSum"/> of its bytes.</param>
/// <param name="Length">Bytes that follow.</param>
internal readonly record struct KvBlockHead(UInt128 Key, UInt128 Sum, long Length)
{
    /// <summary>Bytes of it.</summary>
    public const int Bytes = 40;

    /// <summary>Writes <see cref="Bytes"/> bytes.</summary>
    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(to, Key);
        BinaryPrimitives.WriteUInt128LittleEndian(to[16..], Sum);
        BinaryPrimitives.WriteInt64LittleEndian(to[32..], Length);
    }

    /// <summary>Reads <see cref="Bytes"/> bytes.</summary>
    public static KvBlockHead Read(ReadOnlySpan<byte> from) => new(
        BinaryPrimitives.ReadUInt128LittleEndian(from),
        BinaryPrimitives.ReadUInt128LittleEndian(from[16..]),
        BinaryPrimitives.ReadInt64LittleEndian(from[32..]));
}
