using System.Runtime.Intrinsics;

namespace LlavaCluster.Model.Kernels;

/// <summary>Root-mean-square norm, rounded where Llama rounds: after the scale, and after the weight.</summary>
/// <param name="pool">Who computes.</param>
internal sealed unsafe class NormRows(WorkerPool pool) : RowWork(pool)
{
    private NumberForm _form;
    private byte* _x;
    private byte* _weight;
    private byte* _y;
    private int _width;
    private float _eps;

    /// <summary>y = x / √(mean(x²) + eps) · weight.</summary>
    /// <param name="form">Form of all three.</param>
    /// <param name="x">[rows, width]</param>
    /// <param name="rows">Rows.</param>
    /// <param name="weight">[width]</param>
    /// <param name="width">Numbers of a row.</param>
    /// <param name="eps">Keeps the root from 0.</param>
    /// <param name="y">[rows, width], written.</param>
    public void Compute(NumberForm form, byte* x, int rows, byte* weight, int width, double eps, byte* y)
    {
        (_form, _width, _eps) = (form, width, (float)eps);
        _x = x;
        _weight = weight;
        _y = y;
        Run(rows);
    }

    /// <inheritdoc/>
    protected override void Row(int row, Scratch scratch)
    {
        var padded = Padded(_width);
        var x = scratch.Room(2L * padded);
        var weight = x + padded;
        var place = (long)row * _width * Numbers.Size(_form);
        Numbers.Widen(_form, _x + place, x, _width);
        Numbers.Widen(_form, _weight, weight, _width);
        new Span<float>(x + _width, padded - _width).Clear();
        new Span<float>(weight + _width, padded - _width).Clear();
        var squares = Vector512<float>.Zero;
        for (var i = 0; i < padded; i += 16)
        {
            var numbers = Vector512.Load(x + i);
            squares = Vector512.FusedMultiplyAdd(numbers, numbers, squares);
        }

        var scale = Vector512.Create(1 / MathF.Sqrt((Vector512.Sum(squares) / _width) + _eps));
        for (var i = 0; i < padded; i += 16)
        {
            (Numbers.Round(_form, Vector512.Load(x + i) * scale) * Vector512.Load(weight + i)).Store(x + i);
        }

        Numbers.Narrow(_form, x, _y + place, _width);
    }
}
