using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Cuda;
using LlavaCluster.Model.Weights;
using static TorchSharp.torch;

namespace LlavaCluster.Model.KvCache;

/// <summary>
/// Keys and values of one rank in blocks of 16 positions; which sequence has which block is the scheduler's business. Two tensors per
/// layer, [blocks, 16, kv_heads, head_dim]. Engine thread only.
/// </summary>
internal sealed class PagedKvCache : IKvStore, IDisposable
{
    /// <summary>Positions of a block.</summary>
    public const int BlockTokens = 16;

    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;
    private readonly PagedAttention? _attention;

    /// <summary>Reserves memory for <paramref name="blocks"/> blocks.</summary>
    /// <param name="text">The model's numbers.</param>
    /// <param name="plan">The rank's heads.</param>
    /// <param name="device">Where, and in which type.</param>
    /// <param name="blocks">At least 1.</param>
    /// <param name="attention">Attends for decodes; disposed here. Null: torch does, over gathered pages.</param>
    public PagedKvCache(TextConfig text, ShardPlan plan, TensorDevice device, int blocks, PagedAttention? attention = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blocks, 1);
        (BlockCount, _attention) = (blocks, attention);
        using var outside = NewDisposeScope();
        long[] shape = [blocks, BlockTokens, plan.KvHeads, text.HeadDim];
        _keys = Reserve();
        _values = Reserve();
        PageBytes = (long)BlockTokens * plan.KvHeads * text.HeadDim * device.ElementSize;

        // Not zeroed: a position is always written before it is read, and untouched pages cost no memory.
        Tensor[] Reserve() =>
            [.. Enumerable.Range(0, text.Layers).Select(_ => HugePages.Empty(shape, device.Type, device.Device).DetachFromDisposeScope())];
    }

    /// <summary>Blocks in all.</summary>
    public int BlockCount { get; }

    /// <summary>Layers.</summary>
    public int Layers => _keys.Length;

    /// <summary>Bytes of one block's keys, or values, of one layer.</summary>
    public long PageBytes { get; }

    /// <summary>Bytes of one block, all layers, on the rank that holds the part <paramref name="plan"/>.</summary>
    public static long BlockBytes(TextConfig text, ShardPlan plan, TensorDevice device)
        => 2L * text.Layers * BlockTokens * plan.KvHeads * text.HeadDim * device.ElementSize;

    /// <summary>A layer's keys, [blocks, 16, kv_heads, head_dim]; belongs to the cache.</summary>
    public Tensor KeyPages(int layer) => _keys[layer];

    /// <summary>A layer's values, as <see cref="KeyPages"/>.</summary>
    public Tensor ValuePages(int layer) => _values[layer];

    /// <inheritdoc/>
    public void Write(int layer, Tensor keys, Tensor values, StepInput step)
    {
        using var scope = NewDisposeScope();
        Flat(_keys[layer]).index_copy_(0, step.Slots, keys);
        Flat(_values[layer]).index_copy_(0, step.Slots, values);
    }

    /// <inheritdoc/>
    public (Tensor Keys, Tensor Values) Read(int layer, Tensor keys, Tensor values, SequenceSpan span)
    {
        using var scope = NewDisposeScope();
        if (span.Start == 0)
        {
            // Everything the sequence has was computed in this step.
            return (keys.narrow(0, span.Offset, span.Length).MoveToOuterDisposeScope(),
                values.narrow(0, span.Offset, span.Length).MoveToOuterDisposeScope());
        }

        return (Gather(_keys[layer]).MoveToOuterDisposeScope(), Gather(_values[layer]).MoveToOuterDisposeScope());

        Tensor Gather(Tensor pages) => Flat(pages.index_select(0, span.Blocks))
            .narrow(0, span.FirstKey % BlockTokens, span.Context - span.FirstKey); // [context − first key, kv_heads, head_dim]
    }

    /// <inheritdoc/>
    public Tensor? TryAttend(int layer, Tensor query, StepInput step)
    {
        if (_attention is null || step.Decodes.Count == 0)
        {
            return null;
        }

        using var scope = NewDisposeScope();
        var attended = empty(step.Tokens, query.shape[1] * query.shape[2], dtype: query.dtype, device: query.device);
        _attention.Attend(query.contiguous(), _keys[layer], _values[layer], step, attended);
        return attended.MoveToOuterDisposeScope();
    }

    /// <summary>Overwrites one block, in all layers, by another.</summary>
    public void Copy(int from, int to)
    {
        using var scope = NewDisposeScope();
        for (var layer = 0; layer < _keys.Length; layer++)
        {
            _keys[layer][to].copy_(_keys[layer][from]);
            _values[layer][to].copy_(_values[layer][from]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var pages in _keys.Concat(_values))
        {
            pages.Dispose();
        }

        _attention?.Dispose();
    }

    private static Tensor Flat(Tensor pages) => pages.flatten(0, 1); // [blocks × 16, kv_heads, head_dim]
}
