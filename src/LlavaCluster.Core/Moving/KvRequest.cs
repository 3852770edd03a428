using System.Buffers.Binary;
using LlavaCluster.Core.Links;

namespace LlavaCluster.Core.Moving;

/// <summary>
/// The first words on a connection that moves KV: who asks, and for which blocks; those that the caller has are not among them. Little
/// endian: magic (8), protocol (2), nothing (2), bytes that follow (4); then shape, rank, bytes of a block and keys.
/// </summary>
/// <param name="Shape">What the caller's replica is.</param>
/// <param name="Rank">The caller's rank, which wants the blocks of the same rank.</param>
/// <param name="BlockBytes">Bytes of a block on that rank.</param>
/// <param name="Keys">Keys of the blocks.</param>
internal sealed record KvRequest(KvShape Shape, int Rank, long BlockBytes, UInt128[] Keys)
{
    /// <summary>Version of what is said on such connections.</summary>
    public const int Protocol = 1;

    /// <summary>Longest request, bytes: some 65,000 keys, a million positions.</summary>
    public const int MostBytes = 1 << 20;

    /// <summary>Bytes of a key.</summary>
    public const int KeyBytes = 16;

    private const int HeadBytes = 16;

    private static ReadOnlySpan<byte> Magic => "LLAVA_KV"u8;

    /// <summary>Says it.</summary>
    public void Write(Stream stream)
    {
        var keys = new byte[Keys.Length * KeyBytes];
        for (var i = 0; i < Keys.Length; i++)
        {
            BinaryPrimitives.WriteUInt128LittleEndian(keys.AsSpan(i * KeyBytes), Keys[i]);
        }

        var body = new WireWriter();
        body.Text(Shape.Checkpoint);
        body.Int(Shape.Ranks);
        body.Text(Shape.Dtype);
        body.Text(Shape.Kernels);
        body.Int(Shape.BlockTokens);
        body.Int(Shape.Layers);
        body.Int(Rank);
        body.Int(BlockBytes);
        body.Bytes(keys);
        var head = new byte[HeadBytes];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(8), Protocol);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(12), body.Length);
        stream.Write(head);
        stream.Write(body.Written);
        stream.Flush();
    }

    /// <summary>Takes what a caller says. No length is believed beyond <see cref="MostBytes"/>.</summary>
    /// <exception cref="KvRefusedException">It is no such request; says why.</exception>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static KvRequest Read(Stream stream)
    {
        var head = new byte[HeadBytes];
        stream.ReadExactly(head);
        if (!head.AsSpan().StartsWith(Magic))
        {
            throw new KvRefusedException("The caller is no replica of LlavaCluster.");
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(8)) is var protocol && protocol != Protocol)
        {
            throw new KvRefusedException($"The caller speaks protocol {protocol}, this replica speaks {Protocol}. Run one version in a cluster.");
        }

        if (BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(12)) is var length && length is < 0 or > MostBytes)
        {
            throw new KvRefusedException($"The request has {(uint)length:N0} bytes; {MostBytes:N0} are taken. Ask for fewer blocks at once.");
        }

        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        var body = new WireReader(bytes);
        var (checkpoint, ranks, dtype, kernels) = (body.Text(), body.Int32(), body.Text(), body.Text());
        var shape = new KvShape(checkpoint, ranks, dtype, kernels, body.Int32(), body.Int32());
        var (rank, blockBytes) = (body.Int32(), body.Int());
        var keys = body.Bytes();
        body.End();
        if (keys.Length % KeyBytes != 0)
        {
            throw new InvalidDataException($"{keys.Length} bytes of keys are no whole number of them.");
        }

        var all = new UInt128[keys.Length / KeyBytes];
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = BinaryPrimitives.ReadUInt128LittleEndian(keys[(i * KeyBytes)..]);
        }

        return new KvRequest(shape, rank, blockBytes, all);
    }

    /// <summary>Null when the caller may have blocks of this rank; else a sentence.</summary>
    /// <param name="shape">What this replica is.</param>
    /// <param name="rank">Whose blocks are lent here.</param>
    public string? Refuse(KvShape shape, int rank) => shape.Mismatch(Shape)
        ?? (Rank != rank ? $"The caller is rank {Rank}; rank {rank} lends its blocks here." : null);
}
