using System.Runtime.Intrinsics;

namespace LlavaCluster.Model.Kernels;

/// <summary>The residual: x += y.</summary>
/// <param name="pool">Who computes.</param>
internal sealed unsafe class SumRows(WorkerPool pool) : RowWork(pool)
{
    private NumberForm _form;
    private byte* _x;
    private byte* _y;
    private int _width;

    /// <summary>x += y.</summary>
    /// <param name="form">Form of both.</param>
    /// <param name="x">[rows, width], written.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="width">Numbers of a row.</param>
    /// <param name="y">[rows, width]</param>
    public void Compute(NumberForm form, byte* x, int rows, int width, byte* y)
    {
        (_form, _width) = (form, width);
        _x = x;
        _y = y;
        Run(rows);
    }

    /// <inheritdoc/>
    protected override void Row(int row, Scratch scratch)
    {
        var padded = Padded(_width);
        var x = scratch.Room(2L * padded);
        var y = x + padded;
        var place = (long)row * _width * Numbers.Size(_form);
        Numbers.Widen(_form, _x + place, x, _width);
        Numbers.Widen(_form, _y + place, y, _width);
        for (var i = 0; i < padded; i += 16)
        {
            (Vector512.Load(x + i) + Vector512.Load(y + i)).Store(x + i); // what stands past the row is not used
        }

        Numbers.Narrow(_form, x, _x + place, _width);
    }
}
