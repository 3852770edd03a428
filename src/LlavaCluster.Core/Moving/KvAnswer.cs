using System.Buffers.Binary;
using System.Text;
using LlavaCluster.Core.Links;

namespace LlavaCluster.Core.Moving;

/// <summary>
/// What a caller is told before the blocks: which of those that it named will follow, or why none. Little endian: 0 for yes or 1 for
/// refused (1), bytes that follow (4); then the places, ascending, or a sentence.
/// </summary>
internal static class KvAnswer
{
    private const int HeadBytes = 5, MostBytes = 1 << 20, MostText = 1024;

    /// <summary>These follow.</summary>
    public static void Write(Stream stream, ReadOnlySpan<int> places)
    {
        var body = new WireWriter();
        body.Ints(places);
        Write(stream, 0, body.Written);
    }

    /// <summary>None follows.</summary>
    public static void Refuse(Stream stream, string why) =>
        Write(stream, 1, Encoding.UTF8.GetBytes(why.Length > MostText / 4 ? why[..(MostText / 4)] : why));

    /// <summary>Takes what was told.</summary>
    /// <param name="stream">The connection.</param>
    /// <param name="asked">Blocks that were named.</param>
    /// <returns>Places of those that follow.</returns>
    /// <exception cref="KvRefusedException">None does; the reason.</exception>
    /// <exception cref="InvalidDataException">It cannot be true.</exception>
    public static int[] Read(Stream stream, int asked)
    {
        var head = new byte[HeadBytes];
        stream.ReadExactly(head);
        var (refused, length) = (head[0] != 0, BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(1)));
        if (length > (refused ? MostText : MostBytes))
        {
            throw new InvalidDataException($"An answer of {length:N0} bytes was announced; {(refused ? MostText : MostBytes):N0} are taken.");
        }

        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        if (refused)
        {
            throw new KvRefusedException(Encoding.UTF8.GetString(bytes));
        }

        var body = new WireReader(bytes);
        var places = body.Ints();
        body.End();
        for (var i = 0; i < places.Length; i++)
        {
            if (places[i] < (i == 0 ? 0 : places[i - 1] + 1) || places[i] >= asked)
            {
                throw new InvalidDataException($"Block {places[i]} is announced where {asked} were named.");
            }
        }

        return places;
    }

    private static void Write(Stream stream, byte kind, ReadOnlySpan<byte> body)
    {
        var bytes = new byte[HeadBytes + body.Length];
        bytes[0] = kind;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(1), body.Length);
        body.CopyTo(bytes.AsSpan(HeadBytes));
        stream.Write(bytes);
        stream.Flush();
    }
}
