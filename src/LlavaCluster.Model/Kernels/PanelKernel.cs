using System.Runtime.Intrinsics;

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

    /// <summary>Panels that one call should multiply, where there are as many.</summary>
    public virtual int PanelsAtOnce(NumberForm form) => 1;

    /// <summary>Rows of x that should be multiplied with a panel while it is in the cache.</summary>
    public virtual int RowsAtOnce(NumberForm form) => 64;

    /// <summary>Bytes of a number in panels.</summary>
    public virtual int NumberBytes(NumberForm form) => sizeof(float);

    /// <summary>Bytes of a number of x as the kernel takes it.</summary>
    public virtual int RowNumberBytes(NumberForm form) => sizeof(float);

    /// <summary>Rows of x are taken as they are stored, if they have no odd last number; else <see cref="PrepareRow"/> makes them.</summary>
    public virtual bool TakesStored(NumberForm form) => form == NumberForm.Float32;

    /// <summary>Weights are taken in <see cref="TileOrder"/>, where a layer has them so.</summary>
    public virtual bool TakesTiles(NumberForm form) => false;

    /// <summary>Many rows are multiplied by this kernel, although torch's product has the same bits.</summary>
    public virtual bool IsFasterThanTorch(NumberForm form) => false;

    /// <summary>How many numbers a prepared row has: 16-bit numbers come in pairs.</summary>
    public static int Padded(NumberForm form, int count) => count + (form == NumberForm.Float32 ? 0 : count % 2);

    /// <summary>Makes a row of x: here float32, of 16-bit numbers each pair's second first, an odd count filled up with 0.</summary>
    /// <param name="form">How the row is stored.</param>
    /// <param name="row">[count]</param>
    /// <param name="count">Numbers.</param>
    /// <param name="x">[padded count], written.</param>
    public virtual void PrepareRow(NumberForm form, byte* row, int count, byte* x)
        => Numbers.WidenForProduct(form, row, (float*)x, count);

    /// <summary>
    /// Makes a row of x from weights of attention. In bfloat16 they are rounded to that, as the reference does before it multiplies
    /// by the values.
    /// </summary>
    /// <param name="form">Form of the values.</param>
    /// <param name="weights">[count]</param>
    /// <param name="count">Numbers, a multiple of 16.</param>
    /// <param name="x">[count], written.</param>
    public virtual void PrepareWeights(NumberForm form, float* weights, int count, byte* x)
    {
        for (var i = 0; i < count; i += 16)
        {
            var numbers = Vector512.Load(weights + i);
            if (form == NumberForm.BFloat16)
            {
                numbers = Numbers.Round(form, numbers);
            }

            if (form != NumberForm.Float32)
            {
                numbers = Vector512.Shuffle(numbers, Vector512.Create(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
            }

            numbers.Store((float*)x + i);
        }
    }

    /// <summary>Rounds sums to the stored form.</summary>
    public virtual void Narrow(NumberForm form, float* sums, byte* y, int count) => Numbers.Narrow(form, sums, y, count);

    /// <summary>Turns rows into a panel. Of 16-bit numbers each pair is stored second first, the order of x86's vdpbf16ps.</summary>
    /// <param name="form">How the rows are stored.</param>
    /// <param name="rows">First number of the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="count">Rows, at most <see cref="Width"/>; the lanes of those that are missing become 0.</param>
    /// <param name="k">Numbers of a row.</param>
    /// <param name="panel">[k, width]; with 16-bit numbers an odd k is filled up with a line of 0.</param>
    public abstract void Pack(NumberForm form, byte* rows, long stride, int count, int k, byte* panel);

    /// <summary>Makes lines of rows as they lie; with 16-bit numbers, of each two rows the second one's line comes first.</summary>
    /// <param name="form">How the rows are stored.</param>
    /// <param name="rows">First number of the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="count">Rows; an odd last one is followed by a line of 0.</param>
    /// <param name="numbers">Numbers of a row.</param>
    /// <param name="padded">Numbers of a line; those behind the row become 0.</param>
    /// <param name="panel">[count, padded], written.</param>
    public virtual void PackLines(NumberForm form, byte* rows, long stride, int count, int numbers, int padded, byte* panel)
    {
        var lines = (float*)panel;
        new Span<float>(lines, (count + (count % 2)) * padded).Clear();
        for (var row = 0; row < count; row++)
        {
            var line = form == NumberForm.Float32 ? row : row ^ 1;
            Numbers.Widen(form, rows + (row * stride), lines + (line * padded), numbers);
        }
    }

    /// <summary>sums += x · panels, or sums = x · panels.</summary>
    /// <param name="form">What panels and x were made from.</param>
    /// <param name="x">[rows, padded k]</param>
    /// <param name="xStride">Bytes from row to row of x.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="panels">[panels][k, width]</param>
    /// <param name="k">Numbers of a row.</param>
    /// <param name="sums">[rows, panels × width]</param>
    /// <param name="sumStride">Numbers from row to row of the sums.</param>
    /// <param name="fresh">The sums begin at 0, whatever they are.</param>
    public abstract void Multiply(
        NumberForm form, byte* x, long xStride, int rows, in Panels panels, int k, float* sums, long sumStride, bool fresh);

    /// <summary>sums += x · panel for one panel of float32, whatever it was made from.</summary>
    /// <param name="x">[rows, k]</param>
    /// <param name="xStride">Numbers from row to row of x.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="panel">[k, width]</param>
    /// <param name="panelStride">Numbers from line to line of the panel.</param>
    /// <param name="k">Lines.</param>
    /// <param name="sums">[rows, width]</param>
    /// <param name="sumStride">Numbers from row to row of the sums.</param>
    public abstract void MultiplyLines(
        float* x, long xStride, int rows, float* panel, long panelStride, int k, float* sums, long sumStride);

    /// <summary>Product of one row of x with rows of bfloat16 as they lie, where the path has a kernel for that.</summary>
    /// <param name="rows"><see cref="Width"/> rows.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="k">Numbers of a row.</param>
    /// <param name="block">Numbers whose products are summed by themselves.</param>
    /// <param name="x">[k], prepared.</param>
    /// <param name="next">As many bytes that will be needed next; null: not known.</param>
    /// <param name="totals">[width], written.</param>
    /// <returns>It was done.</returns>
    public virtual bool TryMultiplyRow(byte* rows, long stride, int k, int block, byte* x, byte* next, float* totals) => false;

    /// <summary>Panels in memory.</summary>
    /// <param name="Address">The first.</param>
    /// <param name="Count">How many.</param>
    /// <param name="Step">Bytes from panel to panel.</param>
    /// <param name="LineStride">Bytes from line to line; where numbers come in pairs, half of those from pair to pair.</param>
    internal readonly record struct Panels(nint Address, int Count, long Step, long LineStride)
    {
        /// <summary>The first.</summary>
        public byte* Memory => (byte*)Address;

        /// <summary>Memory that will be needed next, which a kernel may fetch meanwhile; 0: not known.</summary>
        public nint Ahead { get; init; }

        /// <summary>How much of it.</summary>
        public long AheadBytes { get; init; }
    }
}
