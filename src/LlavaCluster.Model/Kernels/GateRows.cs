using System.Runtime.Intrinsics;

namespace LlavaCluster.Model.Kernels;

/// <summary>SwiGLU: silu(gate) ⊙ up, rounded after silu and after the product.</summary>
/// <param name="pool">Who computes.</param>
internal sealed unsafe class GateRows(WorkerPool pool) : RowWork(pool)
{
    private NumberForm _form;
    private byte* _both;
    private byte* _y;
    private int _inner;

    /// <summary>y = gate / (1 + e^−gate) · up.</summary>
    /// <param name="form">Form of both.</param>
    /// <param name="both">[rows, 2 × inner]: gate, then up.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="inner">Columns of y.</param>
    /// <param name="y">[rows, inner], written.</param>
    public void Compute(NumberForm form, byte* both, int rows, int inner, byte* y)
    {
        (_form, _inner) = (form, inner);
        _both = both;
        _y = y;
        Run(rows);
    }

    /// <inheritdoc/>
    protected override void Row(int row, Scratch scratch)
    {
        int size = Numbers.Size(_form), padded = Padded(_inner);
        var gate = scratch.Room(2L * padded);
        var up = gate + padded;
        var both = _both + (2L * row * _inner * size);
        Numbers.Widen(_form, both, gate, _inner);
        Numbers.Widen(_form, both + ((long)_inner * size), up, _inner);
        new Span<float>(gate + _inner, padded - _inner).Clear();
        new Span<float>(up + _inner, padded - _inner).Clear();
        for (var i = 0; i < padded; i += 16)
        {
            var x = Vector512.Load(gate + i);
            var silu = x / (Vector512<float>.One + Exponential.Of(-x));
            (Numbers.Round(_form, silu) * Vector512.Load(up + i)).Store(gate + i);
        }

        Numbers.Narrow(_form, gate, _y + ((long)row * _inner * size), _inner);
    }
}
