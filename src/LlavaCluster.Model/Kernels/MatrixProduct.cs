namespace LlavaCluster.Model.Kernels;

/// <summary>
/// y = x · Wᵀ for weights as the checkpoint has them, row by row: nothing is packed beforehand, so torch may use the same memory.
/// The bits of a row of y depend on that row of x alone. One product at a time; the object is kept for the next.
/// </summary>
/// <param name="kernel">The kernel.</param>
/// <param name="pool">Who computes.</param>
internal sealed unsafe class MatrixProduct(PanelKernel kernel, WorkerPool pool) : ParallelWork, IDisposable
{
    /// <summary>Rows of x that are multiplied with a panel while it is in the cache.</summary>
    private const int RowsAtOnce = 64;

    /// <summary>Lines of a panel that are made at once: a panel of 16 lanes then takes half of a first-level cache.</summary>
    private const int Lines = 256;

    /// <summary>Panels of an item, at most: a few hundred kilobytes to read in one go.</summary>
    private const int MostPanels = 8;

    private readonly Scratch _x = new();
    private readonly Scratch[] _scratch = [.. Enumerable.Range(0, pool.Workers).Select(_ => new Scratch())];
    private NumberForm _form;
    private byte* _weight;
    private byte* _y;
    private int _outputs;
    private int _inputs;
    private int _padded;
    private int _rows;
    private int _panels;

    /// <inheritdoc/>
    public override int Items => (Panels + _panels - 1) / _panels;

    private int Panels => (_outputs + kernel.Width - 1) / kernel.Width;

    /// <summary>Computes all of y.</summary>
    /// <param name="form">Form of x, weights and y.</param>
    /// <param name="x">[rows, inputs]</param>
    /// <param name="rows">Rows of x and y.</param>
    /// <param name="weight">[outputs, inputs]</param>
    /// <param name="outputs">Rows of the weights.</param>
    /// <param name="inputs">Columns of the weights.</param>
    /// <param name="y">[rows, outputs], written.</param>
    public void Compute(NumberForm form, byte* x, int rows, byte* weight, int outputs, int inputs, byte* y)
    {
        var size = Numbers.Size(form);
        (_form, _outputs, _inputs) = (form, outputs, inputs);
        _weight = weight;
        _padded = inputs + (form == NumberForm.Float32 ? 0 : inputs % 2);
        _panels = Math.Clamp(Panels / (pool.Workers * 4), 1, MostPanels);
        for (var done = 0; done < rows; done += RowsAtOnce)
        {
            _rows = Math.Min(RowsAtOnce, rows - done);
            _y = y + ((long)done * outputs * size);
            var wide = _x.Room((long)_rows * _padded);
            for (var row = 0; row < _rows; row++)
            {
                Numbers.WidenForProduct(form, x + ((long)(done + row) * inputs * size), wide + ((long)row * _padded), inputs);
            }

            pool.Run(this);
        }
    }

    /// <inheritdoc/>
    public override void Do(int item, int worker)
    {
        var scratch = _scratch[worker].Room(((long)Lines + (2 * RowsAtOnce)) * kernel.Width);
        var last = Math.Min(Panels, (item + 1) * _panels);
        for (var panel = item * _panels; panel < last; panel++)
        {
            Panel(panel * kernel.Width, scratch);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _x.Dispose();
        foreach (var scratch in _scratch)
        {
            scratch.Dispose();
        }
    }

    /// <summary>The outputs from <paramref name="first"/> on, of all rows.</summary>
    private void Panel(int first, float* scratch)
    {
        int width = kernel.Width, size = Numbers.Size(_form), count = Math.Min(width, _outputs - first);
        var stride = (long)_inputs * size;
        var weight = _weight + (first * stride);
        var panel = scratch;
        var totals = panel + (Lines * width);
        var sums = totals + (RowsAtOnce * width);
        var block = ProductOrder.Block(_inputs);
        var direct = _rows == 1 && count == width && _form == NumberForm.BFloat16
            && kernel.TryMultiplyRow(weight, stride, _inputs, block, _x.Memory, totals);
        for (var start = 0; start < _inputs && !direct; start += block)
        {
            var end = Math.Min(_inputs, start + block);
            var into = start == 0 ? totals : sums;
            new Span<float>(into, _rows * width).Clear();
            for (var k = start; k < end; k += Lines)
            {
                var numbers = Math.Min(Lines, end - k);
                kernel.Pack(_form, weight + ((long)k * size), stride, count, numbers, panel);
                var lines = _form == NumberForm.Float32 ? numbers : numbers + (numbers % 2);
                kernel.Multiply(_x.Memory + k, _padded, _rows, panel, width, lines, into, width);
            }

            for (var i = 0; start > 0 && i < _rows * width; i++)
            {
                totals[i] += sums[i];
            }
        }

        for (var row = 0; row < _rows; row++)
        {
            Numbers.Narrow(_form, totals + (row * width), _y + ((((long)row * _outputs) + first) * size), count);
        }
    }
}
