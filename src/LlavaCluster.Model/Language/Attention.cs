using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Layers;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Language;

/// <summary>Causal self-attention with grouped queries, over a KV store.</summary>
internal sealed class Attention : nn.Module
{
    private readonly ColumnParallelLinear qkv_proj;
    private readonly RowParallelLinear o_proj;
    private readonly RotaryEmbedding _rotary;
    private readonly HeadGroups _groups;
    private readonly int _layer;
    private readonly long _heads;
    private readonly long _kvHeads;
    private readonly long _dim;

    /// <summary>Reads the rank's heads.</summary>
    public Attention(
        WeightParts parts, ICollective collective, TextConfig text, ShardPlan plan, int layer, string name, RotaryEmbedding rotary, HeadGroups groups)
        : base(nameof(Attention))
    {
        (_rotary, _groups, _layer, _heads, _kvHeads, _dim) = (rotary, groups, layer, plan.Heads, plan.KvHeads, text.HeadDim);
        long queries = (long)text.Heads * text.HeadDim, keys = (long)text.KvHeads * text.HeadDim;
        qkv_proj = new ColumnParallelLinear(
            parts, text.Hidden, (name + ".q_proj", queries), (name + ".k_proj", keys), (name + ".v_proj", keys));
        o_proj = new RowParallelLinear(parts, collective, name + ".o_proj", text.Hidden, queries);
        RegisterComponents();
    }

    /// <summary>Queries, keys and values of the rank's heads.</summary>
    public ColumnParallelLinear QkvProjection => qkv_proj;

    /// <summary>From the heads back to the hidden width.</summary>
    public RowParallelLinear OutputProjection => o_proj;

    /// <param name="x">[tokens, hidden], all sequences of the step one after the other.</param>
    /// <param name="cos">[tokens, 1, head_dim]</param>
    /// <param name="sin">[tokens, 1, head_dim]</param>
    /// <param name="step">Where the sequences stand.</param>
    /// <param name="store">Earlier keys and values.</param>
    /// <returns>[tokens, hidden]</returns>
    public Tensor forward(Tensor x, Tensor cos, Tensor sin, StepInput step, IKvStore store)
    {
        using var scope = NewDisposeScope();
        var qkv = qkv_proj.forward(x).view(step.Tokens, _heads + (2 * _kvHeads), _dim); // [tokens, heads + 2 kv_heads, head_dim]
        var query = _rotary.Rotate(qkv.narrow(1, 0, _heads), cos, sin); // [tokens, heads, head_dim]
        var keys = _rotary.Rotate(qkv.narrow(1, _heads, _kvHeads), cos, sin); // [tokens, kv_heads, head_dim]
        var values = qkv.narrow(1, _heads + _kvHeads, _kvHeads); // [tokens, kv_heads, head_dim]
        store.Write(_layer, keys, values, step);
        var attended = store.TryAttend(_layer, query, step) is { } decodes
            ? AddPrompts(decodes, query, keys, values, step, store)
            : AttendEach(query, keys, values, step, store);
        return o_proj.forward(attended).MoveToOuterDisposeScope();
    }

    /// <returns>[tokens, heads × head_dim]</returns>
    private Tensor AttendEach(Tensor query, Tensor keys, Tensor values, StepInput step, IKvStore store)
    {
        var queries = step.Split(query); // [length, heads, head_dim] each
        var attended = new Tensor[step.Spans.Count];
        for (var i = 0; i < attended.Length; i++)
        {
            attended[i] = Attend(queries[i], keys, values, step.Spans[i], store);
        }

        return attended.Length == 1 ? attended[0] : cat(attended);
    }

    /// <summary>Fills the rows that the store left.</summary>
    /// <returns><paramref name="attended"/>, [tokens, heads × head_dim]</returns>
    private Tensor AddPrompts(Tensor attended, Tensor query, Tensor keys, Tensor values, StepInput step, IKvStore store)
    {
        foreach (var span in step.Spans.Where(span => span.Length > 1))
        {
            using var scope = NewDisposeScope();
            var rows = Attend(query.narrow(0, span.Offset, span.Length), keys, values, span, store);
            attended.narrow(0, span.Offset, span.Length).copy_(rows);
        }

        return attended;
    }

    /// <returns>[length, heads × head_dim]</returns>
    private Tensor Attend(Tensor query, Tensor keys, Tensor values, SequenceSpan span, IKvStore store)
    {
        using var scope = NewDisposeScope();
        var (seenKeys, seenValues) = store.Read(_layer, keys, values, span);
        return _groups.Attend(query, seenKeys, seenValues, span.Mask, span.Causal).MoveToOuterDisposeScope();
    }
}
