using System.Buffers.Binary;
using System.Globalization;

namespace LlavaCluster.Core.Imaging;

/// <summary>Reads numbers of a header; a place outside the file is a sentence for the client, never an index error.</summary>
internal readonly ref struct HeaderBytes(ReadOnlySpan<byte> file, string format)
{
    private readonly ReadOnlySpan<byte> _file = file;

    public long Length => _file.Length;

    public ReadOnlySpan<byte> Slice(long offset, int length) =>
        Has(offset, length) ? _file.Slice((int)offset, length) : throw Truncated();

    public bool Has(long offset, long length) => offset >= 0 && length >= 0 && offset <= _file.Length - length;

    public byte Byte(long offset) => Slice(offset, 1)[0];

    public int UInt16Little(long offset) => BinaryPrimitives.ReadUInt16LittleEndian(Slice(offset, 2));

    public int UInt16Big(long offset) => BinaryPrimitives.ReadUInt16BigEndian(Slice(offset, 2));

    public int UInt24Little(long offset) => UInt16Little(offset) | (Byte(offset + 2) << 16);

    public uint UInt32Little(long offset) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(offset, 4));

    public int Int32Little(long offset) => BinaryPrimitives.ReadInt32LittleEndian(Slice(offset, 4));

    public uint UInt32Big(long offset) => BinaryPrimitives.ReadUInt32BigEndian(Slice(offset, 4));

    public BadImageException Truncated() => new(string.Create(
        CultureInfo.InvariantCulture,
        $"The {format} file ends inside its header, after {_file.Length:N0} bytes: it is truncated. Send the whole file."));

    public BadImageException Broken(string what) =>
        new($"The {format} header is broken: {what}. Save the picture again and send that.");
}
