using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Collectives;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>The embedding, split by rows: each rank looks up the ids that it holds, the others give zeros, the sum is the result.</summary>
internal sealed class VocabParallelEmbedding : nn.Module
{
    private readonly Parameter weight;
    private readonly ICollective _collective;
    private readonly long _first;

    /// <summary>Reads the rank's rows.</summary>
    public VocabParallelEmbedding(WeightParts parts, ICollective collective, TextConfig text)
        : base(nameof(VocabParallelEmbedding))
    {
        weight = parts.Read(TensorCatalog.Embedding, text.VocabularySize, text.Hidden);
        (_collective, _first) = (collective, parts.Plan?.FirstToken ?? 0);
        RegisterComponents();
    }

    /// <summary>[this rank's ids, hidden]; a tied output layer uses it too.</summary>
    public Parameter Weight => weight;

    /// <param name="ids">[tokens], int64, each 0 … vocabulary − 1.</param>
    /// <returns>[tokens, hidden], the same on all ranks.</returns>
    public Tensor forward(Tensor ids)
    {
        if (_collective.Ranks == 1)
        {
            return weight.index_select(0, ids);
        }

        using var scope = NewDisposeScope();
        var local = ids.Plus(-_first);
        var elsewhere = local.IsBelow(0).logical_or_(local.IsBelow(weight.shape[0]).logical_not());
        var rows = weight.index_select(0, local.ZeroWhere(elsewhere));
        rows.ZeroWhere(elsewhere.unsqueeze(1));
        _collective.AllReduceSum(rows);
        return rows.MoveToOuterDisposeScope();
    }
}
