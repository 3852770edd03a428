using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Links;

/// <summary>
/// Moves of KV blocks, and what came of them, as bytes. Where a move has two lists, their entries go in pairs: one list cannot be longer
/// than the other. Whether a rank has what is named, <see cref="MoveCheck"/> sees.
/// </summary>
internal static class TierMoveCodec
{
    private const int LongestText = 1000;

    /// <summary>Fewest bytes of a pair and of a place with its block: what a count is checked against.</summary>
    private const int LeastPair = 2;
    private const int LeastPlace = 3;

    private enum Kind : byte
    {
        ToHost = 1,
        ToDisk = 2,
        FromHost = 3,
        FromDisk = 4,
        Drop = 5,
    }

    public static void Write(ShardMessage.Move message, WireWriter to)
    {
        to.Int(message.Epoch);
        to.Int(message.Number);
        switch (message.What)
        {
            case TierMove.ToHost toHost:
                WritePairs(Kind.ToHost, toHost.Blocks, toHost.Slots, to);
                break;
            case TierMove.FromHost fromHost:
                WritePairs(Kind.FromHost, fromHost.Slots, fromHost.Blocks, to);
                break;
            case TierMove.ToDisk toDisk:
                to.Byte((byte)Kind.ToDisk);
                to.Int(toDisk.Group);
                to.Ints([.. toDisk.Slots]);
                break;
            case TierMove.FromDisk fromDisk:
                to.Byte((byte)Kind.FromDisk);
                to.Int(fromDisk.Blocks.Count);
                for (var i = 0; i < fromDisk.Blocks.Count; i++)
                {
                    to.Int(fromDisk.Places[i].Group);
                    to.Int(fromDisk.Places[i].Index);
                    to.Int(fromDisk.Blocks[i]);
                }

                break;
            case TierMove.Drop drop:
                to.Byte((byte)Kind.Drop);
                to.Int(drop.Group);
                break;
        }
    }

    /// <exception cref="InvalidDataException">The bytes are no such message.</exception>
    public static ShardMessage.Move Read(ref WireReader from)
    {
        var (epoch, number, kind) = (from.Int(), from.Int(), (Kind)from.Byte());
        switch (kind)
        {
            case Kind.ToHost:
                var (blocks, slots) = ReadPairs(ref from);
                return new ShardMessage.Move(epoch, number, new TierMove.ToHost(blocks, slots));
            case Kind.FromHost:
                (slots, blocks) = ReadPairs(ref from);
                return new ShardMessage.Move(epoch, number, new TierMove.FromHost(slots, blocks));
            case Kind.ToDisk:
                var group = from.Int();
                return new ShardMessage.Move(epoch, number, new TierMove.ToDisk(from.Ints(), group));
            case Kind.FromDisk:
                return new ShardMessage.Move(epoch, number, ReadFromDisk(ref from));
            case Kind.Drop:
                return new ShardMessage.Move(epoch, number, new TierMove.Drop(from.Int()));
            default:
                throw WireReader.Bad($"a move of kind {(byte)kind} is unknown");
        }
    }

    public static void WriteAnswer(MoveAnswer answer, WireWriter to)
    {
        to.Int(answer.Number);
        to.Int(answer.Result.Took.Ticks);
        to.Ints([.. answer.Result.Failed]);
        to.Flag(answer.Result.Error is not null);
        if (answer.Result.Error is { } error)
        {
            to.Text(error.Message[..Math.Min(error.Message.Length, LongestText)]);
        }

        // Only of moves between replicas, which a process of before is never told.
        if (answer.Result.Attempts > 0)
        {
            to.Int(answer.Result.Attempts);
            to.Int(answer.Result.Damaged);
        }
    }

    /// <summary>What a rank says of a move.</summary>
    /// <param name="body">All of the frame.</param>
    /// <param name="rank">Who says it.</param>
    /// <exception cref="InvalidDataException">The bytes are no such answer.</exception>
    public static MoveAnswer ReadAnswer(ReadOnlySpan<byte> body, int rank)
    {
        var from = new WireReader(body);
        var (number, ticks, failed) = (from.Int(), from.Int(), from.Ints());
        var error = from.Flag() ? new IOException($"Rank {rank}: {from.Text()}") : null;
        var (attempts, damaged) = from.Left > 0 ? (from.Int32(), from.Int32()) : (0, 0);
        from.End();
        if (attempts < 0 || damaged < 0)
        {
            throw WireReader.Bad($"{damaged} blocks of {attempts} connections were damaged");
        }

        return number > 0 && ticks >= 0
            ? new MoveAnswer(number, new TierMoveResult(failed, TimeSpan.FromTicks(ticks), error) { Attempts = attempts, Damaged = damaged })
            : throw WireReader.Bad($"move {number} took {ticks} ticks");
    }

    private static void WritePairs(Kind kind, IReadOnlyList<int> from, IReadOnlyList<int> into, WireWriter to)
    {
        to.Byte((byte)kind);
        to.Int(from.Count);
        for (var i = 0; i < from.Count; i++)
        {
            to.Int(from[i]);
            to.Int(into[i]);
        }
    }

    private static (int[] From, int[] Into) ReadPairs(ref WireReader from)
    {
        var count = from.Count(LeastPair);
        var (first, second) = (new int[count], new int[count]);
        for (var i = 0; i < count; i++)
        {
            (first[i], second[i]) = (from.Int32(), from.Int32());
        }

        return (first, second);
    }

    private static TierMove.FromDisk ReadFromDisk(ref WireReader from)
    {
        var count = from.Count(LeastPlace);
        var (places, blocks) = (new DiskPlace[count], new int[count]);
        for (var i = 0; i < count; i++)
        {
            (places[i], blocks[i]) = (new DiskPlace(from.Int(), from.Int32()), from.Int32());
        }

        return new TierMove.FromDisk(places, blocks);
    }
}
