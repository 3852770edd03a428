using System.Runtime.Intrinsics;
using LlavaCluster.Model.Kernels.Code;

namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Sixteen lanes whose panels of bfloat16 keep their numbers in pairs, as memory has them, and are widened in registers: half the bytes
/// of float32, and weights and KV pages are multiplied as they lie. Other forms go the AVX-512 way.
/// </summary>
internal unsafe class PairPanelKernel : Avx512PanelKernel
{
    /// <summary>Numbers of 16 rows that one turn takes.</summary>
    protected const int Square = 32;

    private const int CacheLine = 64;

    /// <summary>The products of tiles.</summary>
    protected virtual TileFunctions Tiles => PairCode.Tiles;

    /// <inheritdoc/>
    public override int PanelsAtOnce(NumberForm form) => form == NumberForm.BFloat16 ? TileFunctions.MostVectors : base.PanelsAtOnce(form);

    /// <inheritdoc/>
    public override int RowsAtOnce(NumberForm form) => form == NumberForm.BFloat16 ? 512 : base.RowsAtOnce(form);

    /// <inheritdoc/>
    public override int NumberBytes(NumberForm form) => form == NumberForm.BFloat16 ? sizeof(ushort) : base.NumberBytes(form);

    /// <inheritdoc/>
    public override bool TakesTiles(NumberForm form) => form == NumberForm.BFloat16;

    /// <inheritdoc/>
    public override bool IsFasterThanTorch(NumberForm form) => form == NumberForm.BFloat16;

    /// <inheritdoc/>
    public override void Pack(NumberForm form, byte* rows, long stride, int count, int k, byte* panel)
    {
        if (form != NumberForm.BFloat16)
        {
            base.Pack(form, rows, stride, count, k, panel);
            return;
        }

        var done = 0;
        if (count == Width)
        {
            done = k / Square * Square;
            PackSquares(rows, stride, done / Square, panel);
        }

        for (; done < k; done += 2)
        {
            var line = (uint*)(panel + (done * Width * sizeof(ushort)));
            for (var lane = 0; lane < Width; lane++)
            {
                var pair = (ushort*)(rows + (lane * stride)) + done;
                line[lane] = lane >= count ? 0 : done + 1 < k ? *(uint*)pair : *pair;
            }
        }
    }

    /// <inheritdoc/>
    public override void PackLines(NumberForm form, byte* rows, long stride, int count, int numbers, int padded, byte* panel)
    {
        if (form != NumberForm.BFloat16)
        {
            base.PackLines(form, rows, stride, count, numbers, padded, panel);
            return;
        }

        var line = (uint*)panel;
        for (var row = 0; row < count; row += 2, rows += 2 * stride, line += padded)
        {
            var first = (ushort*)rows;
            var second = (ushort*)(rows + stride);
            var i = 0;
            for (; i + 16 <= numbers && row + 1 < count; i += 16)
            {
                (Numbers.Words(first + i) | (Numbers.Words(second + i) << 16)).Store(line + i);
            }

            for (; i < padded; i++)
            {
                line[i] = i >= numbers ? 0 : row + 1 == count ? first[i] : first[i] | ((uint)second[i] << 16);
            }
        }
    }

    /// <inheritdoc/>
    public override void Multiply(
        NumberForm form, byte* x, long xStride, int rows, in Panels panels, int k, float* sums, long sumStride, bool fresh)
    {
        if (form != NumberForm.BFloat16)
        {
            base.Multiply(form, x, xStride, rows, panels, k, sums, sumStride, fresh);
            return;
        }

        for (var first = 0; first < panels.Count; first += TileFunctions.MostVectors)
        {
            var arguments = new TileArguments
            {
                X = x,
                XStride = xStride,
                Panel = panels.Memory + (first * panels.Step),
                VectorStride = panels.Step,
                LineStride = 2 * panels.LineStride,
                Pairs = (k + 1) / 2,
                Sums = sums + (first * Width),
                SumStride = sumStride * sizeof(float),
            };
            var vectors = Math.Min(TileFunctions.MostVectors, panels.Count - first);
            var calls = (rows + TileFunctions.MostRows - 1) / TileFunctions.MostRows;
            arguments.Ahead = (byte*)panels.Ahead;
            arguments.AheadStep = Math.Min(TileCode.MostAhead, panels.AheadBytes / (calls * arguments.Pairs));
            for (var left = rows; left > 0; left -= TileFunctions.MostRows)
            {
                Tiles.Of(Math.Min(left, TileFunctions.MostRows), vectors, fresh, panels.Ahead != 0)(&arguments);
                arguments.X += TileFunctions.MostRows * xStride;
                arguments.Sums += TileFunctions.MostRows * sumStride;
                arguments.Ahead += arguments.AheadStep * arguments.Pairs;
            }
        }
    }

    /// <summary>Turns squares of 16 rows × 16 pairs.</summary>
    /// <param name="rows">First number of the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="squares">How many, side by side.</param>
    /// <param name="panel">[squares × 16][16] pairs, written.</param>
    protected virtual void PackSquares(byte* rows, long stride, int squares, byte* panel)
    {
        for (var square = 0; square < squares; square++)
        {
            var words = Square512.Load(rows + (square * CacheLine), stride);
            words.Turn();
            words.Store(panel + ((long)square * Square / 2 * CacheLine), CacheLine);
        }
    }
}
