namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Products with a panel: as many rows of a matrix as there are lanes, turned so that a lane is an output. An output is one chain of
/// fused multiply-adds in the order of the panel's lines, whatever the number of rows of x, of lanes, and of calls that it takes:
/// that is where the bits are decided.
/// </summary>
internal abstract unsafe class PanelKernel
{
    /// <summary>Outputs of a panel: 1, 8 or 16.</summary>
    public abstract int Width { get; }

    /// <summary>Turns rows into a panel. Of 16-bit numbers each pair is stored second first, the order of x86's vdpbf16ps.</summary>
    /// <param name="form">How the rows are stored.</param>
    /// <param name="rows">First number of the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="count">Rows, at most <see cref="Width"/>; the lanes of those that are missing become 0.</param>
    /// <param name="k">Numbers of a row.</param>
    /// <param name="panel">[k, width]; with 16-bit numbers an odd k is filled up with a line of 0.</param>
    public abstract void Pack(NumberForm form, byte* rows, long stride, int count, int k, float* panel);

    /// <summary>sums += x · panel.</summary>
    /// <param name="x">[rows, k]</param>
    /// <param name="xStride">Numbers from row to row of x.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="panel">[k, width]</param>
    /// <param name="panelStride">Numbers from line to line of the panel.</param>
    /// <param name="k">Lines.</param>
    /// <param name="sums">[rows, width]</param>
    /// <param name="sumStride">Numbers from row to row of the sums.</param>
    public abstract void Multiply(
        float* x, long xStride, int rows, float* panel, long panelStride, int k, float* sums, long sumStride);

    /// <summary>Product of one row of x with rows of bfloat16 as they lie, where the path has a kernel for that.</summary>
    /// <param name="rows"><see cref="Width"/> rows.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="k">Numbers of a row.</param>
    /// <param name="block">Numbers whose products are summed by themselves.</param>
    /// <param name="x">[k] in the order of products.</param>
    /// <param name="totals">[width], written.</param>
    /// <returns>It was done.</returns>
    public virtual bool TryMultiplyRow(byte* rows, long stride, int k, int block, float* x, float* totals) => false;
}

/// <summary>The kernel for a number of lanes.</summary>
/// <typeparam name="TLanes">The lanes.</typeparam>
/// <typeparam name="TVector">Their register.</typeparam>
internal unsafe class PanelKernel<TLanes, TVector> : PanelKernel
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    /// <inheritdoc/>
    public override int Width => TLanes.Count;

    /// <inheritdoc/>
    public override void Pack(NumberForm form, byte* rows, long stride, int count, int k, float* panel)
    {
        var size = Numbers.Size(form);
        var wordNumbers = sizeof(float) / size;
        var square = TLanes.Count * wordNumbers; // numbers of a row that one turn takes
        var done = 0;
        if (count == TLanes.Count)
        {
            for (; done + square <= k; done += square)
            {
                TLanes.Transpose(rows + ((long)done * size), stride, form, panel + (done * TLanes.Count));
            }
        }

        for (; done < k; done++)
        {
            // Swapped in pairs; the number after an odd last one is 0.
            var line = panel + ((wordNumbers == 2 ? done ^ 1 : done) * TLanes.Count);
            var filled = wordNumbers == 2 && done + 1 == k && k % 2 != 0 ? panel + (done * TLanes.Count) : null;
            for (var lane = 0; lane < TLanes.Count; lane++)
            {
                var number = rows + (lane * stride) + ((long)done * size);
                line[lane] = lane >= count ? 0 : form == NumberForm.Float32 ? *(float*)number : Numbers.Widen(form, *(ushort*)number);
                if (filled != null)
                {
                    filled[lane] = 0;
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void Multiply(
        float* x, long xStride, int rows, float* panel, long panelStride, int k, float* sums, long sumStride)
    {
        while (rows > 0)
        {
            var taken = rows >= 8 ? 8 : rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
            switch (taken)
            {
                case 8:
                    Eight(x, xStride, panel, panelStride, k, sums, sumStride);
                    break;
                case 4:
                    Four(x, xStride, panel, panelStride, k, sums, sumStride);
                    break;
                case 2:
                    Two(x, xStride, panel, panelStride, k, sums, sumStride);
                    break;
                default:
                    One(x, panel, panelStride, k, sums);
                    break;
            }

            x += taken * xStride;
            sums += taken * sumStride;
            rows -= taken;
        }
    }

    private static void Eight(float* x, long xStride, float* panel, long panelStride, int k, float* sums, long sumStride)
    {
        var x1 = x + xStride;
        var x2 = x1 + xStride;
        var x3 = x2 + xStride;
        var x4 = x3 + xStride;
        var x5 = x4 + xStride;
        var x6 = x5 + xStride;
        var x7 = x6 + xStride;
        var a0 = TLanes.Load(sums);
        var a1 = TLanes.Load(sums + sumStride);
        var a2 = TLanes.Load(sums + (2 * sumStride));
        var a3 = TLanes.Load(sums + (3 * sumStride));
        var a4 = TLanes.Load(sums + (4 * sumStride));
        var a5 = TLanes.Load(sums + (5 * sumStride));
        var a6 = TLanes.Load(sums + (6 * sumStride));
        var a7 = TLanes.Load(sums + (7 * sumStride));
        for (var i = 0; i < k; i++, panel += panelStride)
        {
            var line = TLanes.Load(panel);
            a0 = TLanes.MultiplyAdd(TLanes.Broadcast(x[i]), line, a0);
            a1 = TLanes.MultiplyAdd(TLanes.Broadcast(x1[i]), line, a1);
            a2 = TLanes.MultiplyAdd(TLanes.Broadcast(x2[i]), line, a2);
            a3 = TLanes.MultiplyAdd(TLanes.Broadcast(x3[i]), line, a3);
            a4 = TLanes.MultiplyAdd(TLanes.Broadcast(x4[i]), line, a4);
            a5 = TLanes.MultiplyAdd(TLanes.Broadcast(x5[i]), line, a5);
            a6 = TLanes.MultiplyAdd(TLanes.Broadcast(x6[i]), line, a6);
            a7 = TLanes.MultiplyAdd(TLanes.Broadcast(x7[i]), line, a7);
        }

        TLanes.Store(a0, sums);
        TLanes.Store(a1, sums + sumStride);
        TLanes.Store(a2, sums + (2 * sumStride));
        TLanes.Store(a3, sums + (3 * sumStride));
        TLanes.Store(a4, sums + (4 * sumStride));
        TLanes.Store(a5, sums + (5 * sumStride));
        TLanes.Store(a6, sums + (6 * sumStride));
        TLanes.Store(a7, sums + (7 * sumStride));
    }

    private static void Four(float* x, long xStride, float* panel, long panelStride, int k, float* sums, long sumStride)
    {
        var x1 = x + xStride;
        var x2 = x1 + xStride;
        var x3 = x2 + xStride;
        var a0 = TLanes.Load(sums);
        var a1 = TLanes.Load(sums + sumStride);
        var a2 = TLanes.Load(sums + (2 * sumStride));
        var a3 = TLanes.Load(sums + (3 * sumStride));
        for (var i = 0; i < k; i++, panel += panelStride)
        {
            var line = TLanes.Load(panel);
            a0 = TLanes.MultiplyAdd(TLanes.Broadcast(x[i]), line, a0);
            a1 = TLanes.MultiplyAdd(TLanes.Broadcast(x1[i]), line, a1);
            a2 = TLanes.MultiplyAdd(TLanes.Broadcast(x2[i]), line, a2);
            a3 = TLanes.MultiplyAdd(TLanes.Broadcast(x3[i]), line, a3);
        }

        TLanes.Store(a0, sums);
        TLanes.Store(a1, sums + sumStride);
        TLanes.Store(a2, sums + (2 * sumStride));
        TLanes.Store(a3, sums + (3 * sumStride));
    }

    private static void Two(float* x, long xStride, float* panel, long panelStride, int k, float* sums, long sumStride)
    {
        var x1 = x + xStride;
        var (a0, a1) = (TLanes.Load(sums), TLanes.Load(sums + sumStride));
        for (var i = 0; i < k; i++, panel += panelStride)
        {
            var line = TLanes.Load(panel);
            a0 = TLanes.MultiplyAdd(TLanes.Broadcast(x[i]), line, a0);
            a1 = TLanes.MultiplyAdd(TLanes.Broadcast(x1[i]), line, a1);
        }

        TLanes.Store(a0, sums);
        TLanes.Store(a1, sums + sumStride);
    }

    private static void One(float* x, float* panel, long panelStride, int k, float* sums)
    {
        var sum = TLanes.Load(sums);
        for (var i = 0; i < k; i++, panel += panelStride)
        {
            sum = TLanes.MultiplyAdd(TLanes.Broadcast(x[i]), TLanes.Load(panel), sum);
        }

        TLanes.Store(sum, sums);
    }
}
