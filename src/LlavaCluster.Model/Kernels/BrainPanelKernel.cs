using System.Runtime.Intrinsics;
using LlavaCluster.Model.Kernels.Code;

namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Sixteen lanes whose bfloat16 products are the processor's own instruction: twice as fast as widening to float32, with the same order
/// of sums and, but for denormal numbers, which the instruction takes for 0, the same bits. Other forms go the AVX-512 way.
/// </summary>
internal sealed unsafe class BrainPanelKernel : PairPanelKernel
{
    /// <inheritdoc/>
    public override int RowNumberBytes(NumberForm form) => form == NumberForm.BFloat16 ? sizeof(ushort) : base.RowNumberBytes(form);

    /// <inheritdoc/>
    public override bool TakesStored(NumberForm form) => form == NumberForm.BFloat16 || base.TakesStored(form);

    /// <inheritdoc/>
    protected override TileFunctions Tiles => BrainCode.Tiles;

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

    /// <inheritdoc/>
    protected override void PackSquares(byte* rows, long stride, int squares, byte* panel)
    {
        if (squares > 0)
        {
            BrainCode.Pack()(rows, stride, squares, panel);
        }
    }
}
