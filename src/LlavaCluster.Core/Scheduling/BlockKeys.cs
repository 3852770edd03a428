using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// The keys of a sequence's full blocks. A key is a hash over the key of the block before it, the ids of the block and, where an
/// image stands, the image's hash and the offset in it; the first of the chain starts from checkpoint and tenant. Equal keys: equal KV.
/// 128 bits of SHA-256, so that nobody can make a block that is taken for another's.
/// </summary>
public sealed class BlockKeys
{
    /// <summary>Bytes of the numbers that place an image in a block, and of its hash.</summary>
    private const int ImageBytes = (4 * sizeof(int)) + SHA256.HashSizeInBytes;

    private readonly int _blockTokens;
    private readonly IReadOnlyList<ImageSpan> _images;
    private readonly List<UInt128> _keys = [];
    private readonly UInt128 _root;
    private int _image;

    /// <summary>Of a sequence with these images.</summary>
    /// <param name="blockTokens">Positions of a block.</param>
    /// <param name="tenant">Whose conversation it is.</param>
    /// <param name="images">Images in order.</param>
    /// <param name="checkpoint">Name of the weights; matters where blocks outlive the process.</param>
    public BlockKeys(int blockTokens, string tenant, IReadOnlyList<ImageSpan> images, string checkpoint = "")
    {
        _blockTokens = blockTokens;
        _images = images;
        // With the length of the first, no two pairs are one text.
        _root = Hash(Encoding.UTF8.GetBytes($"{checkpoint.Length}:{checkpoint} tenant:{tenant}"));
    }

    /// <summary>Keys of the first blocks of these ids; earlier results are kept, so ids may only grow.</summary>
    /// <param name="ids">Ids of the sequence from its start.</param>
    /// <param name="count">Blocks; all full.</param>
    public ReadOnlySpan<UInt128> First(ReadOnlySpan<int> ids, int count)
    {
        while (_keys.Count < count)
        {
            _keys.Add(Next(ids.Slice(_keys.Count * _blockTokens, _blockTokens)));
        }

        return CollectionsMarshal.AsSpan(_keys)[..count];
    }

    private UInt128 Next(ReadOnlySpan<int> ids)
    {
        var start = _keys.Count * _blockTokens;
        while (_image < _images.Count && _images[_image].End <= start)
        {
            _image++;
        }

        var images = 0;
        while (_image + images < _images.Count && _images[_image + images].Offset < start + _blockTokens)
        {
            images++;
        }

        var size = 16 + (ids.Length * sizeof(int)) + (images * ImageBytes);
        var bytes = size <= 1024 ? stackalloc byte[size] : new byte[size];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, _keys.Count == 0 ? _root : _keys[^1]);
        MemoryMarshal.AsBytes(ids).CopyTo(bytes[16..]);
        var rest = bytes[(16 + (ids.Length * sizeof(int)))..];
        for (var i = 0; i < images; i++, rest = rest[ImageBytes..])
        {
            Write(_images[_image + i], start, rest);
        }

        return Hash(bytes);
    }

    /// <summary>Where in the block, how much, where in the image, how long: the bytes of a block cannot be read two ways.</summary>
    private void Write(ImageSpan span, int start, Span<byte> bytes)
    {
        var first = Math.Max(span.Offset, start);
        BinaryPrimitives.WriteInt32LittleEndian(bytes, first - start);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], Math.Min(span.End, start + _blockTokens) - first);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], first - span.Offset);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], span.Length);
        Convert.FromHexString(span.Image.Hex, bytes[16..ImageBytes], out _, out _);
    }

    private static UInt128 Hash(ReadOnlySpan<byte> bytes)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, digest);
        return BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }
}
