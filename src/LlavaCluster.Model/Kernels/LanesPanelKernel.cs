namespace LlavaCluster.Model.Kernels;

/// <summary>The kernel for a number of lanes.</summary>
/// <typeparam name="TLanes">The lanes.</typeparam>
/// <typeparam name="TVector">Their register.</typeparam>
internal unsafe class LanesPanelKernel<TLanes, TVector> : PanelKernel
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    /// <inheritdoc/>
    public override int Width => TLanes.Count;

    /// <inheritdoc/>
    public override void Pack(NumberForm form, byte* rows, long stride, int count, int k, byte* memory)
    {
        var panel = (float*)memory;
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
        NumberForm form, byte* x, long xStride, int rows, in Panels panels, int k, float* sums, long sumStride, bool fresh)
    {
        for (var panel = 0; panel < panels.Count; panel++)
        {
            var part = sums + (panel * TLanes.Count);
            for (var row = 0; row < rows && fresh; row++)
            {
                new Span<float>(part + (row * sumStride), TLanes.Count).Clear();
            }

            MultiplyLines(
                (float*)x,
                xStride / sizeof(float),
                rows,
                (float*)(panels.Memory + (panel * panels.Step)),
                panels.LineStride / sizeof(float),
                Padded(form, k),
                part,
                sumStride);
        }
    }

    /// <inheritdoc/>
    public override void MultiplyLines(
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
