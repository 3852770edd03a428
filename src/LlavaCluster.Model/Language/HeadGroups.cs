using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Language;

/// <summary>
/// Attention of one sequence over the heads of one rank. Query heads that share a KV head are a group. Equal groups need no copy of
/// keys and values; where a rank's cut falls inside a group, they are copied for each query head.
/// </summary>
internal sealed class HeadGroups : IDisposable
{
    private readonly long _heads;
    private readonly long _kvHeads;
    private readonly Tensor? _kvHeadOfQuery;

    /// <summary>The groups of the rank with this part.</summary>
    public HeadGroups(ShardPlan plan, Device device)
    {
        _heads = plan.Heads;
        var group = plan.Heads / plan.KvHeads;
        var equal = plan.Heads % plan.KvHeads == 0 && plan.KvHeadOfQuery.Select((kv, query) => kv == query / group).All(same => same);
        _kvHeads = equal ? plan.KvHeads : plan.Heads;
        if (!equal)
        {
            using var scope = NewDisposeScope();
            _kvHeadOfQuery = tensor(plan.KvHeadOfQuery.Select(kv => (long)kv).ToArray(), device: device).DetachFromDisposeScope();
        }
    }

    /// <summary>softmax(q·kᵀ/√d)·v.</summary>
    /// <param name="query">[length, heads, head_dim]</param>
    /// <param name="keys">[context, kv_heads, head_dim]</param>
    /// <param name="values">[context, kv_heads, head_dim]</param>
    /// <param name="mask">[length, context], true where a token may look; null: see <paramref name="causal"/>.</param>
    /// <param name="causal">Without a mask: token i looks at keys 0 … i.</param>
    /// <returns>[length, heads × head_dim]</returns>
    public Tensor Attend(Tensor query, Tensor keys, Tensor values, Tensor? mask, bool causal)
    {
        using var scope = NewDisposeScope();
        long length = query.shape[0], context = keys.shape[0], dim = query.shape[2], group = _heads / _kvHeads;
        if (_kvHeadOfQuery is not null)
        {
            (keys, values) = (keys.index_select(1, _kvHeadOfQuery), values.index_select(1, _kvHeadOfQuery));
        }

        var type = query.dtype;
        if (length == 1)
        {
            if (type != ScalarType.Float32 && query.device_type == DeviceType.CPU)
            {
                // torch's 16-bit attention of one query on CPU takes seven times as long as converting and float32 do.
                (query, keys, values) = (query.to(ScalarType.Float32), keys.to(ScalarType.Float32), values.to(ScalarType.Float32));
            }

            // A group's queries stand in one matrix, as if they were tokens: no mask, no copy.
            var single = nn.functional.scaled_dot_product_attention(
                query.view(1, _kvHeads, group, dim), // [1, kv_heads, group, head_dim]
                keys.transpose(0, 1).unsqueeze(0), // [1, kv_heads, context, head_dim]
                values.transpose(0, 1).unsqueeze(0));
            return single.to(type).reshape(1, _heads * dim).MoveToOuterDisposeScope(); // [1, heads × head_dim]
        }

        var grouped = query.view(length, _kvHeads, group, dim).permute(1, 2, 0, 3); // [kv_heads, group, length, head_dim]
        var attended = ProductAttention.Suits(query)
            ? ProductAttention.Attend(grouped, Expand(keys), Expand(values), mask, causal)
            : nn.functional.scaled_dot_product_attention(grouped, Expand(keys), Expand(values), mask, is_casual: causal);
        return attended.permute(2, 0, 1, 3).reshape(length, _heads * dim).MoveToOuterDisposeScope(); // [length, heads × head_dim]

        Tensor Expand(Tensor x) => x.transpose(0, 1).unsqueeze(1).expand(_kvHeads, group, context, dim); // no copy: stride 0
    }

    /// <inheritdoc/>
    public void Dispose() => _kvHeadOfQuery?.Dispose();
}
