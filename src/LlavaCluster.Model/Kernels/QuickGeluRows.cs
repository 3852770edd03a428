using System.Runtime.Intrinsics;

namespace LlavaCluster.Model.Kernels;

/// <summary>x · sigmoid(1.702 · x), CLIP's activation, rounded once.</summary>
/// <param name="pool">Who computes.</param>
internal sealed unsafe class QuickGeluRows(WorkerPool pool) : RowWork(pool)
{
    private const float Slope = 1.702f;

    private NumberForm _form;
    private byte* _x;
    private int _width;

    /// <summary>In place.</summary>
    /// <param name="form">Form of x.</param>
    /// <param name="x">[rows, width], written.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="width">Numbers of a row.</param>
    public void Compute(NumberForm form, byte* x, int rows, int width)
    {
        (_form, _width) = (form, width);
        _x = x;
        Run(rows);
    }

    /// <inheritdoc/>
    protected override void Row(int row, Scratch scratch)
    {
        var padded = Padded(_width);
        var x = scratch.Room(padded);
        var place = _x + ((long)row * _width * Numbers.Size(_form));
        Numbers.Widen(_form, place, x, _width);
        new Span<float>(x + _width, padded - _width).Clear();
        for (var i = 0; i < padded; i += 16)
        {
            var number = Vector512.Load(x + i);
            (number / (Vector512<float>.One + Exponential.Of(number * -Slope))).Store(x + i);
        }

        Numbers.Narrow(_form, x, place, _width);
    }
}
