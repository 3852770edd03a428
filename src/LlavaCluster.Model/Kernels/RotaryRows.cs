using System.Runtime.Intrinsics;

namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Turns queries and keys in place by rotary position embedding in Llama's half-split form, and brings keys and values into the KV
/// pages. Rounded as the reference does: each product, then the sum.
/// </summary>
/// <param name="pool">Who computes.</param>
/// <param name="shape">The heads.</param>
internal sealed unsafe class RotaryRows(WorkerPool pool, AttentionShape shape) : RowWork(pool)
{
    private readonly PageWriter _writer = new(shape);
    private StepLayout _step = new();
    private float* _angles;
    private byte* _fused;
    private byte* _keys;
    private byte* _values;

    /// <summary>One layer's tokens of a step.</summary>
    /// <param name="step">Where they stand.</param>
    /// <param name="angles">[positions, head_dim]: cosines of the half, then sines, as numbers of the activations' form.</param>
    /// <param name="fused">[tokens, heads + 2 kv_heads, head_dim]; queries and keys in it are turned.</param>
    /// <param name="keys">The layer's key pages.</param>
    /// <param name="values">The layer's value pages.</param>
    public void Compute(StepLayout step, float* angles, byte* fused, byte* keys, byte* values)
    {
        _step = step;
        _angles = angles;
        _fused = fused;
        _keys = keys;
        _values = values;
        Run(step.Tokens);
    }

    /// <inheritdoc/>
    protected override void Row(int row, Scratch scratch)
    {
        int size = Numbers.Size(shape.Form), headBytes = shape.HeadDim * size;
        var token = _fused + ((long)row * shape.Fused * size);
        var angles = _angles + ((long)_step.Positions[row] * shape.HeadDim);
        for (var head = 0; head < shape.Heads + shape.KvHeads; head++)
        {
            Turn(token + (head * headBytes), angles, scratch);
        }

        var keys = token + (shape.Heads * headBytes);
        _writer.Keys(_keys, _step.Slots[row], keys);
        _writer.Values(_values, _step.Slots, row, keys + shape.PositionBytes, (long)shape.Fused * size);
    }

    private void Turn(byte* head, float* angles, Scratch scratch)
    {
        int half = shape.HeadDim / 2, padded = Padded(half), size = Numbers.Size(shape.Form);
        var low = scratch.Room(4L * padded);
        var high = low + padded;
        var cos = high + padded;
        var sin = cos + padded;
        Numbers.Widen(shape.Form, head, low, half);
        Numbers.Widen(shape.Form, head + (half * size), high, half);
        new ReadOnlySpan<float>(angles, half).CopyTo(new Span<float>(cos, half));
        new ReadOnlySpan<float>(angles + half, half).CopyTo(new Span<float>(sin, half));
        for (var i = 0; i < padded; i += 16)
        {
            var (a, b) = (Vector512.Load(low + i), Vector512.Load(high + i));
            var (c, s) = (Vector512.Load(cos + i), Vector512.Load(sin + i));
            (Round(a * c) - Round(b * s)).Store(low + i);
            (Round(b * c) + Round(a * s)).Store(high + i);
        }

        Numbers.Narrow(shape.Form, low, head, half);
        Numbers.Narrow(shape.Form, high, head + (half * size), half);
    }

    private Vector512<float> Round(Vector512<float> value) => Numbers.Round(shape.Form, value);
}
