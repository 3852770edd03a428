using System.Buffers.Binary;

namespace LlavaCluster.Core.Links;

/// <summary>
/// Reads frames from a stream. Memory for a frame grows with the bytes that come, not with the length that is told. One thread.
/// </summary>
/// <param name="stream">Where they come from.</param>
/// <param name="maxBytes">Longest body that is taken.</param>
internal sealed class ShardFrameReader(Stream stream, int maxBytes)
{
    private const int FirstBytes = 64 << 10;

    private byte[] _bytes = new byte[FirstBytes];

    /// <summary>Waits for the next frame.</summary>
    /// <param name="body">Valid until the next call.</param>
    /// <exception cref="EndOfStreamException">The connection ended.</exception>
    /// <exception cref="InvalidDataException">The frame is longer than is taken.</exception>
    public ShardFrameKind Read(out ReadOnlySpan<byte> body)
    {
        stream.ReadExactly(_bytes, 0, ShardFrame.HeadBytes);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(_bytes);
        var kind = (ShardFrameKind)_bytes[4];
        if (length > maxBytes)
        {
            throw WireReader.Bad($"a frame has {length} bytes, at most {maxBytes} are taken");
        }

        for (var got = 0; got < length;)
        {
            if (got == _bytes.Length)
            {
                Array.Resize(ref _bytes, (int)Math.Min(length, _bytes.Length * 2L));
            }

            var more = (int)Math.Min(length, _bytes.Length) - got;
            stream.ReadExactly(_bytes, got, more);
            got += more;
        }

        body = _bytes.AsSpan(0, (int)length);
        return kind;
    }
}
