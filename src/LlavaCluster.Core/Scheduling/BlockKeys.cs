using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// The keys of a sequence's full blocks. A key is a hash over the key of the block before it, the ids of the block and, where an
/// image stands, the image's hash and the offset in it; the first of the chain starts from the tenant. Equal keys: equal KV.
/// 128 bits of SHA-256, so that nobody can make a block that is taken for another's.
/// </summary>
public sealed class BlockKeys
{
    private readonly int _blockTokens;
    private readonly IReadOnlyList<ImageSpan> _images;
    private readonly List<UInt128> _keys = [];
    private readonly UInt128 _root;
    private int _image;

    /// <summary>Of a sequence with these images.</summary>
    /// <param name="blockTokens">Positions of a block.</param>
    /// <param name="tenant">Whose conversation it is.</param>
    /// <param name="images">Images in order.</param>
    public BlockKeys(int blockTokens, string tenant, IReadOnlyList<ImageSpan> images)
    {
        _blockTokens = blockTokens;
        _images = images;
        _root = Hash(Encoding.UTF8.GetBytes("tenant:" + tenant));
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
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(number, _keys.Count == 0 ? _root : _keys[^1]);
        hash.AppendData(number);
        hash.AppendData(MemoryMarshal.AsBytes(ids));
        while (_image < _images.Count && _images[_image].End <= start)
        {
            _image++;
        }

        for (var i = _image; i < _images.Count && _images[i].Offset < start + _blockTokens; i++)
        {
            // Where in the block, where in the image: together with its length-prefixed place this cannot be read two ways.
            var span = _images[i];
            var first = Math.Max(span.Offset, start);
            BinaryPrimitives.WriteInt32LittleEndian(number, first - start);
            BinaryPrimitives.WriteInt32LittleEndian(number[4..], Math.Min(span.End, start + _blockTokens) - first);
            BinaryPrimitives.WriteInt32LittleEndian(number[8..], first - span.Offset);
            BinaryPrimitives.WriteInt32LittleEndian(number[12..], span.Length);
            hash.AppendData(number);
            hash.AppendData(Convert.FromHexString(span.Image.Hex));
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }

    private static UInt128 Hash(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(bytes));
}
