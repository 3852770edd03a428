using System.Buffers.Binary;
using LlavaCluster.Core.Links;

namespace LlavaCluster.Core.Moving;

/// <summary>What a caller wants.</summary>
internal enum KvRequestKind : ushort
{
    /// <summary>Hold the blocks, and send them: of a replica of one rank.</summary>
    Fetch = 0,

    /// <summary>Hold the blocks on all ranks, until the caller says a byte; answer it whether they were held until then. To rank 0.</summary>
    Hold = 1,

    /// <summary>Send one rank's part of blocks that are held.</summary>
    Part = 2,
}

/// <summary>
/// The first words on a connection that moves KV: who asks, and for which blocks; those that the caller has are not among them. Little
/// endian: magic (8), protocol (2), kind (2), bytes that follow (4); then shape, rank, bytes of a block and keys, and of a part the loan.
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

    /// <summary>Bytes of a loan's id, as it stands behind the answer to <see cref="KvRequestKind.Hold"/>.</summary>
    public const int LoanBytes = 16;

    /// <summary>The byte that says of a loan's end that all was held until then.</summary>
    public const byte WasHeld = 1;

    private const int HeadBytes = 16;

    private static ReadOnlySpan<byte> Magic => "LLAVA_KV"u8;

    /// <summary>What is wanted.</summary>
    public KvRequestKind Kind { get; init; }

    /// <summary>Under what the blocks are lent; of a <see cref="KvRequestKind.Part"/> only.</summary>
    public Guid Loan { get; init; }

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
        if (Kind == KvRequestKind.Part)
        {
            body.Bytes(Loan.ToByteArray());
        }

        var head = new byte[HeadBytes];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(8), Protocol);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(10), (ushort)Kind);
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

        var kind = (KvRequestKind)BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(10));
        if (!Enum.IsDefined(kind))
        {
            throw new KvRefusedException($"The caller wants what this replica does not know ({(ushort)kind}). Run one version in a cluster.");
        }

        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        var body = new WireReader(bytes);
        var (checkpoint, ranks, dtype, kernels) = (body.Text(), body.Int32(), body.Text(), body.Text());
        var shape = new KvShape(checkpoint, ranks, dtype, kernels, body.Int32(), body.Int32());
        var (rank, blockBytes) = (body.Int32(), body.Int());
        var keys = body.Bytes();
        var loan = kind == KvRequestKind.Part ? body.Bytes() : default;
        body.End();
        if (kind == KvRequestKind.Part && loan.Length != LoanBytes)
        {
            throw new InvalidDataException($"A loan has {LoanBytes} bytes, not {loan.Length}.");
        }

        if (keys.Length % KeyBytes != 0)
        {
            throw new InvalidDataException($"{keys.Length} bytes of keys are no whole number of them.");
        }

        var all = new UInt128[keys.Length / KeyBytes];
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = BinaryPrimitives.ReadUInt128LittleEndian(keys[(i * KeyBytes)..]);
        }

        return new KvRequest(shape, rank, blockBytes, all) { Kind = kind, Loan = kind == KvRequestKind.Part ? new Guid(loan) : default };
    }

    /// <summary>Null when the caller may have what it wants, as far as the request tells; else a sentence.</summary>
    /// <param name="shape">What this replica is.</param>
    public string? Refuse(KvShape shape) => shape.Mismatch(Shape)
        ?? (Kind != KvRequestKind.Part && Rank != 0 ? $"The caller is rank {Rank}; rank 0 lends its blocks here." : null)
        ?? (Kind == KvRequestKind.Fetch && shape.Ranks > 1 ? $"This replica has {shape.Ranks} ranks. Have them hold the blocks first." : null);
}
