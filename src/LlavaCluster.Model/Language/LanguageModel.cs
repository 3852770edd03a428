using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Layers;
using LlavaCluster.Model.Quantised;
using LlavaCluster.Model.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Language;

/// <summary>
/// One rank's part of the language model (Llama or Mistral): embeddings in, logits out. Forward passes change nothing but the KV
/// store, so that with <see cref="NoKvCache"/> they have a gradient.
/// </summary>
internal sealed class LanguageModel : nn.Module
{
    private readonly VocabParallelEmbedding embed_tokens;
    private readonly ModuleList<DecoderLayer> layers;
    private readonly RmsNorm norm;
    private readonly VocabParallelHead lm_head;
    private readonly RotaryEmbedding _rotary;
    private readonly HeadGroups _groups;
    private readonly IReadOnlyList<CodeMatrix> _codes;

    /// <summary>Reads the rank's weights.</summary>
    /// <param name="text">The model's numbers.</param>
    /// <param name="source">Where weights come from.</param>
    /// <param name="device">Where they go.</param>
    /// <param name="collective">This rank's end.</param>
    /// <param name="codes">Matrices in codes, and how; null: in full.</param>
    /// <param name="inTiles">Matrices in full lie in <see cref="TileOrder"/>, for kernels that take them so.</param>
    public LanguageModel(
        TextConfig text, IWeightSource source, TensorDevice device, ICollective collective, CodeChoice? codes = null, bool inTiles = false)
        : base(nameof(LanguageModel))
    {
        var plan = new ShardPlan(text, collective.Rank, collective.Ranks);
        var parts = new WeightParts(source, device, plan, codes, inTiles);
        _codes = parts.Codes;
        _rotary = new RotaryEmbedding(text.HeadDim, text.RopeTheta, device.Device);
        _groups = new HeadGroups(plan, device.Device);
        embed_tokens = new VocabParallelEmbedding(parts, collective, text);
        layers = [];
        for (var layer = 0; layer < text.Layers; layer++)
        {
            layers.Add(new DecoderLayer(parts, collective, text, plan, layer, _rotary, _groups));
        }

        norm = new RmsNorm(parts, "language_model.norm", text.Hidden, text.RmsEps);
        lm_head = new VocabParallelHead(parts, collective, text, embed_tokens);
        RegisterComponents();
    }

    /// <summary>The layers, first to last.</summary>
    public IReadOnlyList<DecoderLayer> Layers => [.. layers];

    /// <summary>The embedding.</summary>
    public VocabParallelEmbedding Embedding => embed_tokens;

    /// <summary>The norm after the last layer.</summary>
    public RmsNorm FinalNorm => norm;

    /// <summary>The output layer.</summary>
    public VocabParallelHead Head => lm_head;

    /// <summary>Angles of positions.</summary>
    public RotaryEmbedding Rotary => _rotary;

    /// <param name="ids">[tokens], int64, each 0 … vocabulary − 1.</param>
    /// <returns>[tokens, hidden]</returns>
    public Tensor Embed(Tensor ids) => embed_tokens.forward(ids);

    /// <summary>All layers, without the final norm.</summary>
    /// <param name="x">[tokens, hidden]: embeddings, image features in their places.</param>
    /// <param name="step">Where the sequences stand.</param>
    /// <param name="store">Earlier keys and values.</param>
    /// <param name="layerCount">Layers to run; null: all. For tests that look inside.</param>
    /// <returns>[tokens, hidden]</returns>
    public Tensor forward(Tensor x, StepInput step, IKvStore store, int? layerCount = null)
    {
        using var scope = NewDisposeScope();
        var (cos, sin) = _rotary.At(step.Positions, x.dtype);
        var hidden = x.alias();
        for (var layer = 0; layer < (layerCount ?? layers.Count); layer++)
        {
            var next = layers[layer].forward(hidden, cos, sin, step, store);
            hidden.Dispose(); // what the gradient needs, autograd holds by itself
            hidden = next;
        }

        return hidden.MoveToOuterDisposeScope();
    }

    /// <summary>Final norm and output layer.</summary>
    /// <param name="x">[rows, hidden]: the rows of <see cref="forward"/> whose next token is wanted.</param>
    /// <returns>[rows, vocabulary], float32, the same on all ranks.</returns>
    public Tensor Logits(Tensor x)
    {
        using var scope = NewDisposeScope();
        return lm_head.forward(norm.forward(x)).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _rotary.Dispose();
            _groups.Dispose();
            foreach (var codes in _codes)
            {
                codes.Dispose();
            }
        }

        base.Dispose(disposing);
    }
}
