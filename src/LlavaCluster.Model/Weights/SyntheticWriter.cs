using System.Buffers;
using System.Runtime.InteropServices;
using LlavaCluster.Core.Checkpoint;
using Microsoft.Win32.SafeHandles;

namespace LlavaCluster.Model.Weights;

/// <summary>Fills and writes the tensors of a synthetic checkpoint, piece by piece on all threads.</summary>
internal sealed class SyntheticWriter(
    string type, ulong seed, int threads, ILoadProgress? progress, CancellationToken cancellation)
{
    /// <summary>Bytes that a thread fills before it writes them; a multiple of four elements of any type.</summary>
    private const int Piece = 4 << 20;

    private readonly Lock _reporting = new();
    private long _done;
    private long _total;

    /// <summary>Writes all files.</summary>
    public void Write(string folder, IReadOnlyList<WeightFile> files)
    {
        _total = files.Sum(f => f.Length);
        foreach (var target in files)
        {
            using var file = File.OpenHandle(
                Path.Combine(folder, target.Name), FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, target.Length);
            RandomAccess.Write(file, target.Header, 0);
            Report(target.Header.Length);
            var offset = (long)target.Header.Length;
            foreach (var entry in target.Entries)
            {
                WriteTensor(file, offset, entry);
                offset += WeightFile.BytesOf(entry, type);
            }
        }
    }

    private void WriteTensor(SafeFileHandle file, long offset, CatalogEntry entry)
    {
        switch (type)
        {
            case "F16":
                WriteTensor(file, offset, entry, v => (Half)v);
                break;
            case "BF16":
                WriteTensor(file, offset, entry, ToBFloat16);
                break;
            default:
                WriteTensor(file, offset, entry, v => v);
                break;
        }
    }

    private void WriteTensor<T>(SafeFileHandle file, long offset, CatalogEntry entry, Func<float, T> round)
        where T : unmanaged
    {
        var (mean, deviation) = SyntheticScale.Of(entry);
        var levels = deviation > 0 ? NormalFill.Levels(deviation, round) : null;
        var key = NormalFill.Key(seed, entry.Name);
        var length = WeightFile.BytesOf(entry, type);
        var perPiece = Piece / Marshal.SizeOf<T>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };
        Parallel.For(0, (length + Piece - 1) / Piece, options, () => ArrayPool<T>.Shared.Rent(perPiece), (n, _, buffer) =>
        {
            var bytes = (int)Math.Min(Piece, length - (n * Piece));
            var part = buffer.AsSpan(0, bytes / Marshal.SizeOf<T>());
            if (levels is null)
            {
                part.Fill(round(mean));
            }
            else
            {
                NormalFill.Fill(part, levels, key, n * perPiece);
            }

            RandomAccess.Write(file, MemoryMarshal.AsBytes(part), offset + (n * Piece));
            Report(bytes);
            return buffer;
        }, buffer => ArrayPool<T>.Shared.Return(buffer));
    }

    private void Report(long bytes)
    {
        lock (_reporting)
        {
            _done += bytes;
            progress?.Report(_done, _total);
        }
    }

    /// <summary>The upper half of the float, rounded to nearest even.</summary>
    private static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
