using System.Runtime.Intrinsics;
using LlavaCluster.Model.Kernels.Code;

namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Sixteen lanes whose bfloat16 products are the processor's own instruction: twice as fast as widening to float32, with the same order
/// of sums and, but for denormal numbers, which the instruction takes for 0, the same bits. Other forms go the AVX-512 way.
/// </summary>
internal sealed unsafe class BrainPanelKernel : Avx512PanelKernel
{
    /// <summary>Numbers of 16 rows that one turn takes.</summary>
    private const int Square = 32;

    /// <inheritdoc/>
    public override int PanelsAtOnce(NumberForm form) => form == NumberForm.BFloat16 ? BrainCode.MostVectors : base.PanelsAtOnce(form);

    /// <inheritdoc/>
    public override int RowsAtOnce(NumberForm form) => form == NumberForm.BFloat16 ? 512 : base.RowsAtOnce(form);

    /// <inheritdoc/>
    public override int NumberBytes(NumberForm form) => form == NumberForm.BFloat16 ? sizeof(ushort) : base.NumberBytes(form);

    /// <inheritdoc/>
    public override bool TakesStored(NumberForm form) => form == NumberForm.BFloat16 || base.TakesStored(form);

    /// <inheritdoc/>
    public override bool TakesTiles(NumberForm form) => form == NumberForm.BFloat16;

    /// <inheritdoc/>
    public override bool IsFasterThanTorch(NumberForm form) => form == NumberForm.BFloat16;

    /// <inheritdoc/>
    public override void PrepareRow(NumberForm form, byte* row, int count, byte* x)
    {
        if (form != NumberForm.BFloat16)
        {
            base.PrepareRow(form, row, count, x);
            return;
        }

        Buffer.MemoryCopy(row, x, count * sizeof(ushort), count * sizeof(ushort));
        if (count % 2 != 0)
        {
            ((ushort*)x)[count] = 0;
        }
    }

    /// <inheritdoc/>
    public override void PrepareWeights(NumberForm form, float* weights, int count, byte* x)
    {
        if (form == NumberForm.BFloat16)
        {
            BrainCode.Narrow()(weights, x, count);
        }
        else
        {
            base.PrepareWeights(form, weights, count, x);
        }
    }

    /// <inheritdoc/>
    public override void Narrow(NumberForm form, float* sums, byte* y, int count)
    {
        var whole = form == NumberForm.BFloat16 ? count / 16 * 16 : 0;
        if (whole > 0)
        {
            BrainCode.Narrow()(sums, y, whole);
        }

        base.Narrow(form, sums + whole, y + (whole * sizeof(ushort)), count - whole);
    }

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
            if (done > 0)
            {
                BrainCode.Pack()(rows, stride, done / Square, panel);
            }
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

        for (var first = 0; first < panels.Count; first += BrainCode.MostVectors)
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
            var vectors = Math.Min(BrainCode.MostVectors, panels.Count - first);
            var calls = (rows + BrainCode.MostRows - 1) / BrainCode.MostRows;
            arguments.Ahead = (byte*)panels.Ahead;
            arguments.AheadStep = Math.Min(TileCode.MostAhead, panels.AheadBytes / (calls * arguments.Pairs));
            for (var left = rows; left > 0; left -= BrainCode.MostRows)
            {
                BrainCode.Tile(Math.Min(left, BrainCode.MostRows), vectors, fresh, panels.Ahead != 0)(&arguments);
                arguments.X += BrainCode.MostRows * xStride;
                arguments.Sums += BrainCode.MostRows * sumStride;
                arguments.Ahead += arguments.AheadStep * arguments.Pairs;
            }
        }
    }

    /// <inheritdoc/>
    public override bool TryMultiplyRow(byte* rows, long stride, int k, int block, byte* x, byte* next, float* totals)
    {
        if (k % Square != 0)
        {
            return false;
        }

        var sums = stackalloc float[16];
        var arguments = new RowArguments { Rows = rows, Stride = stride, X = x, Sums = totals, Ahead = next == null ? rows : next };
        var total = Vector512<float>.Zero;
        for (var start = 0; start < k; start += block)
        {
            arguments.Squares = (Math.Min(k, start + block) - start) / Square;
            arguments.Sums = sums;
            Vector512<float>.Zero.Store(sums);
            BrainCode.Row()(&arguments);
            total = start == 0 ? Vector512.Load(sums) : total + Vector512.Load(sums);
            arguments.Rows += arguments.Squares * Square * sizeof(ushort);
            arguments.X += arguments.Squares * Square * sizeof(ushort);
            arguments.Ahead += next == null ? 0 : arguments.Squares * BrainCode.RowAhead;
        }

        total.Store(totals);
        return true;
    }
}
