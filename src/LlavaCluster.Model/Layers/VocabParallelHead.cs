using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Quantised;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>The output layer, split by rows: each rank computes the logits of its ids, then they are gathered.</summary>
internal sealed class VocabParallelHead : nn.Module
{
    private readonly Parameter? weight;
    private readonly CodeMatrix? _codes;
    private readonly int _tiled;
    private readonly ICollective _collective;
    private readonly long[] _lengths;

    /// <summary>Reads the rank's rows, or takes the embedding's where the checkpoint ties them.</summary>
    public VocabParallelHead(WeightParts parts, ICollective collective, TextConfig text, VocabParallelEmbedding embedding)
        : base(nameof(VocabParallelHead))
    {
        // A tied embedding is looked up by rows: it is not put into tiles.
        (weight, _codes, _tiled) = text.TieEmbeddings && parts.Form == WeightForm.Full
            ? new MatrixWeight(embedding.Weight, null)
            : parts.Matrix((TensorCatalog.OutputLayer, [text.VocabularySize, text.Hidden]));
        _collective = collective;
        _lengths = [.. Enumerable.Range(0, collective.Ranks).Select(rank => (long)new ShardPlan(text, rank, collective.Ranks).Tokens)];
        RegisterComponents();
    }

    /// <summary>[this rank's ids, hidden]</summary>
    public MatrixWeight Weight => new(weight, _codes, _tiled);

    /// <summary>How many ids each rank has.</summary>
    public IReadOnlyList<long> Lengths => _lengths;

    /// <param name="x">[rows, hidden], the same on all ranks.</param>
    /// <returns>[rows, vocabulary], the same on all ranks.</returns>
    public Tensor forward(Tensor x) => _collective.AllGather(Weight.Linear(x), _lengths);
}
