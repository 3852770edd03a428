using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using LlavaCluster.Model.Kernels;

namespace LlavaCluster.Benchmarks.Kernels;

/// <summary>
/// Reads memory from one end to the other on all workers and does nothing else: the baseline of everything that waits for memory.
/// </summary>
/// <param name="memory">What is read.</param>
/// <param name="bytes">How much; a multiple of <see cref="Piece"/>.</param>
internal sealed unsafe class StreamingRead(byte* memory, long bytes) : ParallelWork
{
    /// <summary>Bytes of an item.</summary>
    public const int Piece = 4 << 20;

    private long _seen;

    /// <inheritdoc/>
    public override int Items => (int)(bytes / Piece);

    /// <summary>Memory for weights, on huge pages where the system gives them, and filled.</summary>
    public static byte* Reserve(long bytes)
    {
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 2 << 20);
        Model.Weights.HugePages.Advise(memory, bytes);
        var numbers = new Span<ushort>(memory, (int)(bytes / sizeof(ushort)));
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = (ushort)(0x3c00 + ((i * 40503) & 0x81ff)); // small bfloat16 numbers of both signs
        }

        return memory;
    }

    /// <inheritdoc/>
    public override void Do(int item, int worker)
    {
        var from = (long*)(memory + ((long)item * Piece));
        var (a, b, c, d) = (Vector512<long>.Zero, Vector512<long>.Zero, Vector512<long>.Zero, Vector512<long>.Zero);
        for (var i = 0; i < Piece / sizeof(long); i += 32)
        {
            a ^= Vector512.Load(from + i);
            b ^= Vector512.Load(from + i + 8);
            c ^= Vector512.Load(from + i + 16);
            d ^= Vector512.Load(from + i + 24);
        }

        Interlocked.Add(ref _seen, (a ^ b ^ c ^ d)[0]); // or the reads would be left out
    }
}
