using System.Buffers;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaCluster.Core.Imaging;

/// <summary>
/// Pillow's bicubic resize of 8-bit RGB, equal to the bit: antialiased, integer weights of 22 bits, two passes with bytes between
/// them (Pillow's <c>Resample.c</c>). A pass over an axis whose length stays is the identity: its weights are one 1.
/// Large pictures use a few threads; any thread may call.
/// </summary>
internal static unsafe class BicubicResize
{
    /// <summary>Rows that a thread takes at once; a multiple of <see cref="HorizontalPass.Rows"/>.</summary>
    private const int Chunk = 32;

    /// <summary>Multiplications above which threads pay.</summary>
    private const long WorthThreads = 8_000_000;

    private static readonly ParallelOptions Threads = new() { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, 8) };

    /// <summary>The widest vectors that this processor multiplies well: 512, 256, or 128 (which all have).</summary>
    public static int WidestLanes { get; } =
        Avx512F.IsSupported && Vector512.IsHardwareAccelerated ? 512 : Avx2.IsSupported ? 256 : 128;

    /// <summary>The whole picture in a new size.</summary>
    /// <returns>[height, width, 3].</returns>
    public static byte[] Resize(PixelBuffer picture, int width, int height) =>
        Resize(new ResampleSource(picture), width, height, new PixelWindow(0, 0, width, height), WidestLanes);

    /// <summary>A window of the picture in a new size; what lies outside the window is not computed.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="width">New width of the whole picture.</param>
    /// <param name="height">New height of the whole picture.</param>
    /// <param name="window">The part of the new picture that is wanted.</param>
    /// <param name="lanes">Vector bits: 128, 256 or 512; the result is the same.</param>
    /// <returns>[window height, window width, 3].</returns>
    public static byte[] Resize(ResampleSource source, int width, int height, PixelWindow window, int lanes)
    {
        var across = new ResampleWeights(source.Width, width, window.Left, window.Width);
        var down = new ResampleWeights(source.Height, height, window.Top, window.Height);
        return IsVerticalFirst(source.Width, source.Height, width, height) && source.Bare is { } picture
            ? DownThenAcross(picture, across, down, lanes)
            : AcrossThenDown(source, across, down, lanes);
    }

    /// <summary>
    /// Whether the vertical pass comes first; the bytes between the passes make this show in the result. Pillow 13 does so when
    /// the height loses more than twice the pixels that the width does (pull request 9549); before, never.
    /// </summary>
    private static bool IsVerticalFirst(int fromWidth, int fromHeight, int width, int height) =>
        height < fromHeight && fromHeight - height > 2L * (fromWidth - width);

    private static byte[] AcrossThenDown(ResampleSource source, ResampleWeights across, ResampleWeights down, int lanes)
    {
        // Only the rows that the vertical pass takes: down.First … down.End − 1.
        var rows = down.End - down.First;
        var between = new RowBlock(rows, across.Outputs);
        try
        {
            Split(rows, (long)rows * across.Values.Length, (first, end) =>
                Across(source, across, down.First, first, end, between, lanes));
            var rowBytes = across.Outputs * 3;
            var result = GC.AllocateUninitializedArray<byte>(down.Outputs * rowBytes);
            Split(down.Outputs, (long)down.Values.Length * across.Outputs, (first, end) =>
                Down(down, between.Bytes, between.Stride, first, end, result, rowBytes));
            return result;
        }
        finally
        {
            between.Return();
        }
    }

    private static byte[] DownThenAcross(PixelBuffer picture, ResampleWeights across, ResampleWeights down, int lanes)
    {
        var rowBytes = picture.Width * 3;
        var between = GC.AllocateUninitializedArray<byte>(checked(down.Outputs * rowBytes));
        Split(down.Outputs, (long)down.Values.Length * picture.Width, (first, end) =>
            Down(down, picture.Rgb.AsMemory(down.First * rowBytes), rowBytes, first, end, between, rowBytes));
        var source = new ResampleSource(new PixelBuffer(picture.Width, down.Outputs, between));
        var rows = new RowBlock(down.Outputs, across.Outputs);
        try
        {
            Split(down.Outputs, (long)down.Outputs * across.Values.Length, (first, end) =>
                Across(source, across, 0, first, end, rows, lanes));
            return rows.Packed();
        }
        finally
        {
            rows.Return();
        }
    }

    private static void Across(
        ResampleSource source, ResampleWeights weights, int top, int first, int end, RowBlock target, int lanes)
    {
        var sourceStride = (source.Width * 4) + ResampleSource.Slack;
        var scratch = ArrayPool<byte>.Shared.Rent(sourceStride * HorizontalPass.Rows);
        fixed (byte* from = scratch, to = target.Bytes)
        {
            for (var y = first; y < end; y += HorizontalPass.Rows)
            {
                // The last rows of four may lie behind the end: what they hold from before is computed and never read.
                for (var i = 0; i < HorizontalPass.Rows && y + i < end; i++)
                {
                    source.CopyRow(top + y + i, scratch.AsSpan(i * sourceStride, sourceStride));
                }

                HorizontalPass.Run(lanes, weights, from, sourceStride, to + ((long)y * target.Stride), target.Stride);
            }
        }

        ArrayPool<byte>.Shared.Return(scratch);
    }

    /// <summary>Outputs first … end − 1 of the vertical pass; <paramref name="source"/> begins with the row <c>weights.First</c>.</summary>
    private static void Down(
        ResampleWeights weights, ReadOnlyMemory<byte> source, int stride, int first, int end, byte[] result, int rowBytes)
    {
        fixed (byte* from = source.Span)
        {
            for (var y = first; y < end; y++)
            {
                VerticalPass.Run(
                    weights.Values.AsSpan(y * weights.Stride, weights.Counts[y]),
                    from + ((long)(weights.Starts[y] - weights.First) * stride),
                    stride,
                    result.AsSpan(y * rowBytes, rowBytes));
            }
        }
    }

    /// <summary>Runs <paramref name="part"/> over 0 … <paramref name="rows"/> − 1 in chunks, on threads when the work is worth them.</summary>
    private static void Split(int rows, long work, Action<int, int> part)
    {
        if (work < WorthThreads || rows <= Chunk)
        {
            part(0, rows);
            return;
        }

        var chunks = (rows + Chunk - 1) / Chunk;
        Parallel.For(0, chunks, Threads, chunk => part(chunk * Chunk, Math.Min(rows, (chunk + 1) * Chunk)));
    }

    /// <summary>Rented rows of RGB: one byte of slack behind each row and rows in fours, as the horizontal pass writes them.</summary>
    private sealed class RowBlock(int rows, int width)
    {
        public int Stride { get; } = (width * 3) + 1;

        public byte[] Bytes { get; } = ArrayPool<byte>.Shared.Rent(
            checked((rows + HorizontalPass.Rows - 1) / HorizontalPass.Rows * HorizontalPass.Rows * ((width * 3) + 1)));

        /// <summary>[rows, width, 3].</summary>
        public byte[] Packed()
        {
            var packed = GC.AllocateUninitializedArray<byte>(rows * width * 3);
            for (var y = 0; y < rows; y++)
            {
                Bytes.AsSpan(y * Stride, width * 3).CopyTo(packed.AsSpan(y * width * 3));
            }

            return packed;
        }

        public void Return() => ArrayPool<byte>.Shared.Return(Bytes);
    }
}

/// <summary>A part of a picture, pixels.</summary>
/// <param name="Left">First column.</param>
/// <param name="Top">First row.</param>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
internal readonly record struct PixelWindow(int Left, int Top, int Width, int Height);
