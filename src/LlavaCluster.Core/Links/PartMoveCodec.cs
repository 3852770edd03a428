using System.Buffers.Binary;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Moving;

namespace LlavaCluster.Core.Links;

/// <summary>Moves between replicas as bytes, for the ranks of one. Keys and blocks go in pairs: one list cannot be longer than the other.</summary>
internal static class PartMoveCodec
{
    /// <summary>Fewest bytes of a key with its block, and of an address: what a count is checked against.</summary>
    private const int LeastPair = KvRequest.KeyBytes + 2, LeastAddress = 1;

    private enum Kind : byte
    {
        Lend = 1,
        TakeBack = 2,
        Fetch = 3,
    }

    public static void Write(ShardMessage.Part message, WireWriter to)
    {
        to.Int(message.Epoch);
        to.Int(message.Number);
        switch (message.What)
        {
            case PartMove.Lend lend:
                to.Byte((byte)Kind.Lend);
                to.Bytes(lend.Loan.ToByteArray());
                WritePairs(lend.Keys, lend.Blocks, to);
                break;
            case PartMove.TakeBack back:
                to.Byte((byte)Kind.TakeBack);
                to.Bytes(back.Loan.ToByteArray());
                break;
            case PartMove.Fetch fetch:
                to.Byte((byte)Kind.Fetch);
                to.Bytes(fetch.Loan.ToByteArray());
                to.Int(fetch.From.Count);
                foreach (var address in fetch.From)
                {
                    to.Text(address);
                }

                WritePairs(fetch.Keys, fetch.Blocks, to);
                break;
        }
    }

    /// <exception cref="InvalidDataException">The bytes are no such message.</exception>
    public static ShardMessage.Part Read(ref WireReader from)
    {
        var (epoch, number, kind) = (from.Int(), from.Int(), (Kind)from.Byte());
        if (!Enum.IsDefined(kind))
        {
            throw WireReader.Bad($"a part of kind {(byte)kind} is unknown");
        }

        var loan = from.Bytes() is { Length: KvRequest.LoanBytes } bytes ? new Guid(bytes) : throw WireReader.Bad("a loan's id is cut");
        if (kind == Kind.TakeBack)
        {
            return new ShardMessage.Part(epoch, number, new PartMove.TakeBack(loan));
        }

        var addresses = new string[kind == Kind.Fetch ? from.Count(LeastAddress) : 0];
        for (var i = 0; i < addresses.Length; i++)
        {
            addresses[i] = from.Text();
        }

        var (keys, blocks) = ReadPairs(ref from);
        return new ShardMessage.Part(
            epoch, number, kind == Kind.Fetch ? new PartMove.Fetch(addresses, loan, keys, blocks) : new PartMove.Lend(loan, keys, blocks));
    }

    private static void WritePairs(IReadOnlyList<UInt128> keys, IReadOnlyList<int> blocks, WireWriter to)
    {
        to.Int(keys.Count);
        Span<byte> key = stackalloc byte[KvRequest.KeyBytes];
        for (var i = 0; i < keys.Count; i++)
        {
            BinaryPrimitives.WriteUInt128LittleEndian(key, keys[i]);
            to.Bytes(key);
            to.Int(blocks[i]);
        }
    }

    private static (UInt128[] Keys, int[] Blocks) ReadPairs(ref WireReader from)
    {
        var count = from.Count(LeastPair);
        var (keys, blocks) = (new UInt128[count], new int[count]);
        for (var i = 0; i < count; i++)
        {
            keys[i] = from.Bytes() is { Length: KvRequest.KeyBytes } key
                ? BinaryPrimitives.ReadUInt128LittleEndian(key)
                : throw WireReader.Bad("a key is cut");
            blocks[i] = from.Int32();
        }

        return (keys, blocks);
    }
}
