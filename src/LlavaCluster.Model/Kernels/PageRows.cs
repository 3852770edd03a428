namespace LlavaCluster.Model.Kernels;

/// <summary>Copies keys and values as they are into pages.</summary>
/// <param name="pool">Who computes.</param>
/// <param name="shape">The heads.</param>
internal sealed unsafe class PageRows(WorkerPool pool, AttentionShape shape) : RowWork(pool)
{
    private StepLayout _step = new();
    private byte* _fused;
    private byte* _keys;
    private byte* _values;

    /// <summary>One layer's tokens of a step.</summary>
    /// <param name="step">Where they stand.</param>
    /// <param name="fused">[tokens, heads + 2 kv_heads, head_dim]</param>
    /// <param name="keys">Key pages, written.</param>
    /// <param name="values">Value pages, written.</param>
    public void Compute(StepLayout step, byte* fused, byte* keys, byte* values)
    {
        _step = step;
        _fused = fused;
        _keys = keys;
        _values = values;
        Run(step.Tokens);
    }

    /// <inheritdoc/>
    protected override void Row(int row, Scratch scratch)
    {
        int size = Numbers.Size(shape.Form), bytes = shape.PositionBytes;
        var key = _fused + (((long)row * shape.Fused) + (shape.Heads * shape.HeadDim)) * size;
        var place = (long)_step.Slots[row] * bytes;
        Buffer.MemoryCopy(key, _keys + place, bytes, bytes);
        Buffer.MemoryCopy(key + bytes, _values + place, bytes, bytes);
    }
}
