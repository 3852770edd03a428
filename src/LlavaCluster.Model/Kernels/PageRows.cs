namespace LlavaCluster.Model.Kernels;

/// <summary>Brings keys and values as they are into pages.</summary>
/// <param name="pool">Who computes.</param>
/// <param name="shape">The heads.</param>
internal sealed unsafe class PageRows(WorkerPool pool, AttentionShape shape) : RowWork(pool)
{
    private readonly PageWriter _writer = new(shape);
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
        var size = Numbers.Size(shape.Form);
        var keys = _fused + (((long)row * shape.Fused) + (shape.Heads * shape.HeadDim)) * size;
        _writer.Keys(_keys, _step.Slots[row], keys);
        _writer.Values(_values, _step.Slots, row, keys + shape.PositionBytes, (long)shape.Fused * size);
    }
}
