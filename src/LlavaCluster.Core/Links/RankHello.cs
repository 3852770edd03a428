using System.Buffers.Binary;

namespace LlavaCluster.Core.Links;

/// <summary>What a connection between two ranks carries.</summary>
public enum LinkPurpose
{
    /// <summary>Plans, from the leader to a follower.</summary>
    Plans = 1,

    /// <summary>Parts of tensors, both ways.</summary>
    Collective = 2,
}

/// <summary>
/// The first words on a connection between ranks: who calls whom, and in which formation of which replica. 48 bytes, little endian:
/// magic (8), protocol (2), purpose (2), rank, ranks, called rank (4 each), epoch (8), replica (16).
/// </summary>
/// <param name="Purpose">What the connection is for.</param>
/// <param name="Replica">Drawn anew by who forms the ranks; only those who were told it belong together.</param>
/// <param name="Epoch">Formation of the replica's ranks.</param>
/// <param name="Rank">The caller's rank.</param>
/// <param name="Ranks">Ranks of the replica.</param>
/// <param name="Called">The rank that is called.</param>
public readonly record struct RankHello(LinkPurpose Purpose, Guid Replica, long Epoch, int Rank, int Ranks, int Called)
{
    /// <summary>Version of the protocol between ranks; all ranks of a replica speak the same.</summary>
    public const int Protocol = 1;

    /// <summary>Bytes on the wire.</summary>
    public const int Bytes = 48;

    private static ReadOnlySpan<byte> Magic => "LLVARANK"u8;

    /// <summary>Writes <see cref="Bytes"/> bytes.</summary>
    public void Write(Span<byte> to)
    {
        Magic.CopyTo(to);
        BinaryPrimitives.WriteUInt16LittleEndian(to[8..], Protocol);
        BinaryPrimitives.WriteUInt16LittleEndian(to[10..], (ushort)Purpose);
        BinaryPrimitives.WriteInt32LittleEndian(to[12..], Rank);
        BinaryPrimitives.WriteInt32LittleEndian(to[16..], Ranks);
        BinaryPrimitives.WriteInt32LittleEndian(to[20..], Called);
        BinaryPrimitives.WriteInt64LittleEndian(to[24..], Epoch);
        Replica.TryWriteBytes(to[32..]);
    }

    /// <summary>Reads what a caller says and checks it against what <paramref name="expected"/> ranks this one waits for.</summary>
    /// <param name="bytes">The first <see cref="Bytes"/> bytes of the connection.</param>
    /// <param name="me">This rank's own words; <see cref="Called"/> is not looked at.</param>
    /// <param name="expected">Ranks that have yet to call.</param>
    /// <param name="caller">The caller's rank, when it is let in.</param>
    /// <returns>Null, or why the caller is refused.</returns>
    public static string? Check(ReadOnlySpan<byte> bytes, RankHello me, IReadOnlyCollection<int> expected, out int caller)
    {
        caller = -1;
        if (!bytes.StartsWith(Magic))
        {
            return "The caller is not a rank of LlavaCluster.";
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]) is var protocol && protocol != Protocol)
        {
            return $"The caller speaks protocol {protocol}, rank {me.Rank} speaks {Protocol}. Run one version in a replica.";
        }

        var said = new RankHello(
            (LinkPurpose)BinaryPrimitives.ReadUInt16LittleEndian(bytes[10..]),
            new Guid(bytes[32..48]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]));
        var refusal = me.Refuse(said, expected);
        caller = refusal is null ? said.Rank : -1;
        return refusal;
    }

    private string? Refuse(RankHello said, IReadOnlyCollection<int> expected)
    {
        if (said.Purpose != Purpose)
        {
            return $"Rank {said.Rank} calls for {Name(said.Purpose)}; this address takes {Name(Purpose)}.";
        }

        if (said.Replica != Replica)
        {
            return $"Rank {said.Rank} belongs to replica {said.Replica}; rank {Rank} belongs to {Replica}.";
        }

        if (said.Epoch != Epoch)
        {
            return $"Rank {said.Rank} is of epoch {said.Epoch}; rank {Rank} is of epoch {Epoch}.";
        }

        if (said.Ranks != Ranks)
        {
            return $"Rank {said.Rank} counts {said.Ranks} ranks; rank {Rank} counts {Ranks}.";
        }

        if (said.Called != Rank)
        {
            return $"Rank {said.Rank} calls rank {said.Called}; this is rank {Rank}.";
        }

        return expected.Contains(said.Rank)
            ? null
            : $"Rank {said.Rank} is not awaited by rank {Rank}: it has called before, or is no rank that calls it.";
    }

    private static string Name(LinkPurpose purpose) => purpose switch
    {
        LinkPurpose.Plans => "plans",
        LinkPurpose.Collective => "collectives",
        _ => $"purpose {(int)purpose}",
    };
}
