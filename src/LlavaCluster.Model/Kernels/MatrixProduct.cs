namespace LlavaCluster.Model.Kernels;

/// <summary>
/// y = x · Wᵀ for weights row by row as the checkpoint has them, so that torch may use the same memory, or in <see cref="TileOrder"/>, which
/// is faster. The bits of a row of y depend on that row of x alone. One product at a time; the object is kept for the next.
/// </summary>
/// <param name="kernel">The kernel.</param>
/// <param name="pool">Who computes.</param>
internal sealed unsafe class MatrixProduct(PanelKernel kernel, WorkerPool pool) : ParallelWork, IDisposable
{
    /// <summary>Lines of a panel that are made at once: what is multiplied at once then fits a first-level cache.</summary>
    private const int Lines = 256;

    /// <summary>Up to so many rows, weights come from memory more slowly than they are multiplied: the next ones are fetched meanwhile.</summary>
    private const int FewRows = 32;

    /// <summary>Bytes of weights of a piece with few rows: what is fetched for the next one must stay in a second-level cache.</summary>
    private const int MostBytes = 768 << 10;

    private readonly Scratch _prepared = new();
    private readonly Scratch[] _scratch = [.. Enumerable.Range(0, pool.Workers).Select(_ => new Scratch())];
    private readonly WorkShares _shares = new(pool.Workers);
    private NumberForm _form;
    private byte* _weight;
    private byte* _bias;
    private byte* _x;
    private byte* _y;
    private long _xStride;
    private int _outputs;
    private int _inputs;
    private int _tiled;
    private int _rows;
    private int _rowsAtOnce;
    private int _panels;

    /// <inheritdoc/>
    public override int Items => _shares.Count;

    private int Groups => (Panels + _panels - 1) / _panels;

    private int Panels => (_outputs + kernel.Width - 1) / kernel.Width;

    private long Stride => (long)_inputs * Numbers.Size(_form);

    /// <summary>Computes all of y.</summary>
    /// <param name="form">Form of x, weights and y.</param>
    /// <param name="x">[rows, inputs]</param>
    /// <param name="rows">Rows of x and y.</param>
    /// <param name="weight">[outputs, inputs]</param>
    /// <param name="outputs">Rows of the weights.</param>
    /// <param name="inputs">Columns of the weights.</param>
    /// <param name="y">[rows, outputs], written.</param>
    /// <param name="bias">[outputs], added before y is rounded; null: none.</param>
    /// <param name="tiled">So many outputs, from the first on, lie in tiles; the rest row by row.</param>
    public void Compute(
        NumberForm form, byte* x, int rows, byte* weight, int outputs, int inputs, byte* y, byte* bias = null, int tiled = 0)
    {
        (_form, _outputs, _inputs, _tiled) = (form, outputs, inputs, tiled);
        _weight = weight;
        _bias = bias;
        _panels = rows == 1 && tiled == 0 ? 1 : kernel.PanelsAtOnce(form);
        while (rows <= FewRows && tiled == 0 && _panels > 1 && _panels * kernel.Width * Stride > MostBytes)
        {
            _panels /= 2;
        }

        _rowsAtOnce = kernel.RowsAtOnce(form);
        if (kernel.TakesStored(form) && PanelKernel.Padded(form, inputs) == inputs)
        {
            (_rows, _xStride) = (rows, Stride);
            _x = x;
            _y = y;
            Run();
            return;
        }

        for (var done = 0; done < rows; done += _rowsAtOnce)
        {
            _rows = Math.Min(_rowsAtOnce, rows - done);
            _y = y + ((long)done * outputs * Numbers.Size(form));
            Prepare(x + (done * Stride));
            Run();
        }
    }

    /// <inheritdoc/>
    public override void Do(int item, int worker)
    {
        var columns = _panels * kernel.Width;
        var scratch = _scratch[worker].Room((((long)Lines + (2 * Math.Min(_rows, _rowsAtOnce))) * columns) + columns);
        var (first, end) = _shares.Of(item);
        for (var piece = first; piece < end; piece++)
        {
            pool.GiveWay();
            var output = piece % Groups * columns;
            var firstRow = piece / Groups * _rowsAtOnce;
            var next = Following(piece, end) is var following and >= 0 ? _weight + (following % Groups * columns * Stride) : null;
            if (!TryRow(output, next, scratch))
            {
                Group(output, firstRow, Math.Min(_rowsAtOnce, _rows - firstRow), next, scratch);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _prepared.Dispose();
        foreach (var scratch in _scratch)
        {
            scratch.Dispose();
        }
    }

    private void Run()
    {
        _shares.Cut(Groups * ((_rows + _rowsAtOnce - 1) / _rowsAtOnce));
        pool.Run(this);
    }

    /// <summary>Rows of x in the kernel's form.</summary>
    private void Prepare(byte* x)
    {
        _xStride = (long)PanelKernel.Padded(_form, _inputs) * kernel.RowNumberBytes(_form);
        _x = (byte*)_prepared.Room(((_rows * _xStride) + sizeof(float) - 1) / sizeof(float));
        for (var row = 0; row < _rows; row++)
        {
            kernel.PrepareRow(_form, x + (row * Stride), _inputs, _x + (row * _xStride));
        }
    }

    /// <summary>One row of x, where the kernel takes the weights as they lie.</summary>
    private bool TryRow(int output, byte* next, float* totals)
    {
        if (_rows != 1 || _form != NumberForm.BFloat16 || output + kernel.Width > _outputs || _panels != 1
            || !kernel.TryMultiplyRow(_weight + (output * Stride), Stride, _inputs, ProductOrder.Block(_inputs), _x, next, totals))
        {
            return false;
        }

        Finish(output, kernel.Width, 0, 1, totals, totals + kernel.Width);
        return true;
    }

    /// <summary>The outputs of a group of panels, of some rows.</summary>
    private void Group(int output, int firstRow, int count, byte* next, float* scratch)
    {
        int size = Numbers.Size(_form), bytes = kernel.RowNumberBytes(_form), columns = _panels * kernel.Width;
        var totals = scratch + (Lines * columns);
        var sums = totals + (count * columns);
        var x = _x + (firstRow * _xStride);
        var block = ProductOrder.Block(_inputs);
        for (var start = 0; start < _inputs; start += block)
        {
            var end = Math.Min(_inputs, start + block);
            var into = start == 0 ? totals : sums;
            for (var k = start; k < end; k += Lines)
            {
                var numbers = Math.Min(Lines, end - k);
                var panels = output < _tiled ? Tile(output, k, next) : Pack(output, k, numbers, next, (byte*)scratch);
                panels = count <= FewRows ? panels with { AheadBytes = (long)columns * numbers * size } : panels with { Ahead = 0 };
                kernel.Multiply(_form, x + ((long)k * bytes), _xStride, count, panels, numbers, into, columns, fresh: k == start);
            }

            if (start > 0)
            {
                Numbers.Add(totals, sums, (long)count * columns);
            }
        }

        Finish(output, Math.Min(columns, _outputs - output), firstRow, count, totals, sums);
    }

    /// <summary>Lines of a tile as they lie. What comes behind them is needed next; behind the tile's end, the next piece.</summary>
    private PanelKernel.Panels Tile(int output, int k, byte* next)
    {
        var lines = _weight + (output * Stride) + ((long)k / 2 * TileOrder.LineBytes);
        var ahead = k + Lines < _inputs ? lines + ((long)Lines / 2 * TileOrder.LineBytes) : next;
        return new PanelKernel.Panels((nint)lines, _panels, TileOrder.LineBytes / _panels, TileOrder.LineBytes / 2) { Ahead = (nint)ahead };
    }

    /// <summary>Lines made of rows. The same part of the next piece is needed next.</summary>
    private PanelKernel.Panels Pack(int output, int k, int numbers, byte* next, byte* memory)
    {
        int width = kernel.Width, size = Numbers.Size(_form), bytes = kernel.NumberBytes(_form);
        var ahead = next == null ? null : next + ((long)_panels * width * k * size);
        var panels = new PanelKernel.Panels((nint)memory, _panels, (long)Lines * width * bytes, width * bytes) { Ahead = (nint)ahead };
        for (var panel = 0; panel < _panels; panel++)
        {
            var first = output + (panel * width);
            var from = _weight + (first * Stride) + ((long)k * size);
            kernel.Pack(_form, from, Stride, Math.Clamp(_outputs - first, 0, width), numbers, memory + (panel * panels.Step));
        }

        return panels;
    }

    /// <summary>Adds the bias and rounds.</summary>
    private void Finish(int output, int outputs, int firstRow, int rows, float* totals, float* bias)
    {
        int size = Numbers.Size(_form), columns = _panels * kernel.Width;
        if (_bias != null)
        {
            Numbers.Widen(_form, _bias + (output * size), bias, outputs);
        }

        for (var row = 0; row < rows; row++)
        {
            if (_bias != null)
            {
                Numbers.Add(totals + (row * columns), bias, outputs);
            }

            kernel.Narrow(_form, totals + (row * columns), _y + ((((long)(firstRow + row) * _outputs) + output) * size), outputs);
        }
    }

    /// <summary>The piece that this worker does next: the next of its share, or the first of the share that is to be had now; −1: none.</summary>
    private int Following(int piece, int end)
    {
        var share = Volatile.Read(ref Next);
        return piece + 1 < end ? piece + 1 : share < _shares.Count ? _shares.Of(share).First : -1;
    }
}
