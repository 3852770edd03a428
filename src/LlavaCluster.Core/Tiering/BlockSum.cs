using System.Numerics;
using System.Runtime.InteropServices;

namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Checksum of a block: four CRC-32C over every fourth eight bytes, side by side, since one alone waits for itself. Finds what disks and networks do
/// to data; not made against people.
/// </summary>
public static class BlockSum
{
    /// <summary>Of these bytes.</summary>
    public static UInt128 Of(ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        uint first = 1, second = 2, third = 3, fourth = 4;
        var i = 0;
        for (; i + 4 <= words.Length; i += 4)
        {
            first = BitOperations.Crc32C(first, words[i]);
            second = BitOperations.Crc32C(second, words[i + 1]);
            third = BitOperations.Crc32C(third, words[i + 2]);
            fourth = BitOperations.Crc32C(fourth, words[i + 3]);
        }

        foreach (var rest in bytes[(i * sizeof(ulong))..])
        {
            first = BitOperations.Crc32C(first, rest);
        }

        return new UInt128(((ulong)first << 32) | second, ((ulong)third << 32) | fourth);
    }
}
