using System.Runtime.Intrinsics;

namespace LlavaCluster.Model.Kernels;

/// <summary>Layer norm with weight and bias, rounded once, as torch's is.</summary>
/// <param name="pool">Who computes.</param>
internal sealed unsafe class LayerNormRows(WorkerPool pool) : RowWork(pool)
{
    private NumberForm _form;
    private byte* _x;
    private byte* _weight;
    private byte* _bias;
    private byte* _y;
    private int _width;
    private float _eps;

    /// <summary>y = (x − mean) / √(variance + eps) · weight + bias.</summary>
    /// <param name="form">Form of all four.</param>
    /// <param name="x">[rows, width]</param>
    /// <param name="rows">Rows.</param>
    /// <param name="weight">[width]</param>
    /// <param name="bias">[width]</param>
    /// <param name="width">Numbers of a row.</param>
    /// <param name="eps">Keeps the root from 0.</param>
    /// <param name="y">[rows, width], written.</param>
    public void Compute(NumberForm form, byte* x, int rows, byte* weight, byte* bias, int width, double eps, byte* y)
    {
        (_form, _width, _eps) = (form, width, (float)eps);
        _x = x;
        _weight = weight;
        _bias = bias;
        _y = y;
        Run(rows);
    }

    /// <inheritdoc/>
    protected override void Row(int row, Scratch scratch)
    {
        var padded = Padded(_width);
        var x = scratch.Room(3L * padded);
        var weight = x + padded;
        var bias = weight + padded;
        var place = (long)row * _width * Numbers.Size(_form);
        Numbers.Widen(_form, _x + place, x, _width);
        Numbers.Widen(_form, _weight, weight, _width);
        Numbers.Widen(_form, _bias, bias, _width);
        new Span<float>(x + _width, padded - _width).Clear();
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < padded; i += 16)
        {
            sum += Vector512.Load(x + i);
        }

        var mean = Vector512.Create(Vector512.Sum(sum) / _width);
        var squares = Vector512<float>.Zero;
        for (var i = 0; i < padded; i += 16)
        {
            var off = Vector512.Load(x + i) - mean;
            squares = Vector512.FusedMultiplyAdd(off, off, squares);
        }

        // What fills the row up to whole vectors is 0, as far from the mean as it says.
        var filled = (padded - _width) * mean[0] * mean[0];
        var scale = Vector512.Create(1 / MathF.Sqrt(((Vector512.Sum(squares) - filled) / _width) + _eps));
        for (var i = 0; i < padded; i += 16)
        {
            var normed = (Vector512.Load(x + i) - mean) * scale;
            Vector512.FusedMultiplyAdd(normed, Vector512.Load(weight + i), Vector512.Load(bias + i)).Store(x + i);
        }

        Numbers.Narrow(_form, x, _y + place, _width);
    }
}
