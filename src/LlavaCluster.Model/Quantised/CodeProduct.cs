using LlavaCluster.Model.Kernels;

namespace LlavaCluster.Model.Quantised;

/// <summary>
/// y = x · Wᵀ for weights in codes. Int4: the bits are those of <see cref="MatrixProduct"/> with the weights written out, in the same
/// order. Int8: the same with the bare codes as weights, and each sum times its output's scale; in bfloat16 the sum is rounded before
/// that, since torch, which takes long prompts, gives it so. One product at a time; the object is kept for the next.
/// </summary>
/// <param name="path">Which instructions.</param>
/// <param name="pool">Who computes.</param>
internal sealed unsafe class CodeProduct(KernelPath path, WorkerPool pool) : ParallelWork, IDisposable
{
    /// <summary>Rows of x that are multiplied with a panel while it is in the cache.</summary>
    private const int RowsAtOnce = 64;

    /// <summary>Lines of a panel that are made at once.</summary>
    private const int Lines = 256;

    private readonly PanelKernel _kernel = KernelPaths.Kernel(path);
    private readonly Scratch _x = new();
    private readonly Scratch[] _scratch = [.. Enumerable.Range(0, pool.Workers).Select(_ => new Scratch())];
    private CodeMatrix? _matrix;
    private NumberForm _form;
    private byte* _y;
    private int _padded;
    private int _rows;
    private int _tiles;

    /// <inheritdoc/>
    public override int Items => (_matrix!.Tiles + _tiles - 1) / _tiles;

    /// <summary>Computes all of y.</summary>
    /// <param name="form">Form of x and y.</param>
    /// <param name="x">[rows, inputs]</param>
    /// <param name="rows">Rows of x and y.</param>
    /// <param name="matrix">[outputs, inputs]</param>
    /// <param name="y">[rows, outputs], written.</param>
    public void Compute(NumberForm form, byte* x, int rows, CodeMatrix matrix, byte* y)
    {
        var (size, inputs) = (Numbers.Size(form), matrix.Inputs);
        (_matrix, _form) = (matrix, form);
        _padded = (inputs + CodeMatrix.Stretch - 1) / CodeMatrix.Stretch * CodeMatrix.Stretch;
        _tiles = Math.Clamp(matrix.Tiles / (pool.Workers * 4), 1, 4);
        for (var done = 0; done < rows; done += RowsAtOnce)
        {
            _rows = Math.Min(RowsAtOnce, rows - done);
            _y = y + ((long)done * matrix.Outputs * size);
            var wide = _x.Room((long)_rows * _padded);
            for (var row = 0; row < _rows; row++)
            {
                var line = wide + ((long)row * _padded);
                new Span<float>(line + inputs, _padded - inputs).Clear();
                Numbers.WidenForProduct(form, x + ((long)(done + row) * inputs * size), line, inputs);
            }

            pool.Run(this);
        }
    }

    /// <inheritdoc/>
    public override void Do(int item, int worker)
    {
        var width = _kernel.Width;
        var room = Math.Max(CodeMatrix.TileOutputs, ((long)Lines + CodePanel.Spare + (2 * RowsAtOnce)) * width);
        var scratch = _scratch[worker].Room(room);
        var last = Math.Min(_matrix!.Tiles, (item + 1) * _tiles);
        var direct = _rows == 1 && path == KernelPath.Avx512 && _form != NumberForm.Float32;
        for (var tile = item * _tiles; tile < last; tile++)
        {
            var first = tile * CodeMatrix.TileOutputs;
            if (direct)
            {
                Avx512CodeKernel.Row(_matrix, tile, _x.Memory, scratch);
                Finish(scratch, 0, first, Math.Min(CodeMatrix.TileOutputs, _matrix.Outputs - first));
                continue;
            }

            for (var output = first; output < Math.Min(first + CodeMatrix.TileOutputs, _matrix.Outputs); output += width)
            {
                Panel(output, scratch);
            }
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

    /// <summary>A panel's outputs, of all rows.</summary>
    private void Panel(int output, float* scratch)
    {
        var (width, inputs) = (_kernel.Width, _matrix!.Inputs);
        var panel = scratch;
        var totals = panel + ((Lines + CodePanel.Spare) * width);
        var sums = totals + (RowsAtOnce * width);
        var (block, paired) = (ProductOrder.Block(inputs), _form != NumberForm.Float32);
        for (var start = 0; start < inputs; start += block)
        {
            var end = Math.Min(inputs, start + block);
            var into = start == 0 ? totals : sums;
            new Span<float>(into, _rows * width).Clear();
            for (var k = start; k < end; k += Lines)
            {
                var numbers = Math.Min(Lines, end - k);
                numbers += paired ? numbers % 2 : 0;
                CodePanel.Unpack(_matrix, output, k, numbers, paired, panel, width);
                _kernel.MultiplyLines(_x.Memory + k, _padded, _rows, panel, width, numbers, into, width);
            }

            for (var i = 0; start > 0 && i < _rows * width; i++)
            {
                totals[i] += sums[i];
            }
        }

        for (var row = 0; row < _rows; row++)
        {
            Finish(totals + (row * width), row, output, Math.Min(width, _matrix.Outputs - output));
        }
    }

    /// <summary>Scales and stores sums.</summary>
    private void Finish(float* totals, int row, int output, int count)
    {
        if (_matrix!.Form == WeightForm.Int8)
        {
            CodeScales.Apply(_form, totals, _matrix.Scales + output, count);
        }

        Numbers.Narrow(_form, totals, _y + ((((long)row * _matrix.Outputs) + output) * Numbers.Size(_form)), count);
    }
}
