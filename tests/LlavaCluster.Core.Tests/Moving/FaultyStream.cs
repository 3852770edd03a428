namespace LlavaCluster.Core.Tests.Moving;

/// <summary>A connection on which what is written breaks off, or comes out changed.</summary>
/// <param name="inner">The connection.</param>
/// <param name="breaksAfter">Bytes that get through.</param>
/// <param name="changed">Place of a byte that is another one at the other end.</param>
internal sealed class FaultyStream(Stream inner, long breaksAfter = long.MaxValue, long changed = -1) : Stream
{
    private long _written;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var bytes = buffer[..(int)Math.Min(buffer.Length, breaksAfter - _written)].ToArray();
        if (changed >= _written && changed < _written + bytes.Length)
        {
            bytes[changed - _written] ^= 0x10;
        }

        inner.Write(bytes);
        _written += bytes.Length;
        if (bytes.Length < buffer.Length)
        {
            inner.Dispose();
            throw new IOException("The network is gone.");
        }
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        inner.Dispose();
        base.Dispose(disposing);
    }
}
