using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Layers;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Language;

/// <summary>x += attention(norm(x)); x += mlp(norm(x)).</summary>
internal sealed class DecoderLayer : nn.Module
{
    private readonly RmsNorm input_layernorm;
    private readonly Attention self_attn;
    private readonly RmsNorm post_attention_layernorm;
    private readonly GatedMlp mlp;

    /// <summary>Reads the rank's part of layer <paramref name="layer"/>.</summary>
    public DecoderLayer(
        WeightParts parts, ICollective collective, TextConfig text, ShardPlan plan, int layer, RotaryEmbedding rotary, HeadGroups groups)
        : base(nameof(DecoderLayer))
    {
        var name = $"language_model.layers.{layer}.";
        input_layernorm = new RmsNorm(parts, name + "input_layernorm", text.Hidden, text.RmsEps);
        self_attn = new Attention(parts, collective, text, plan, layer, name + "self_attn", rotary, groups);
        post_attention_layernorm = new RmsNorm(parts, name + "post_attention_layernorm", text.Hidden, text.RmsEps);
        mlp = new GatedMlp(parts, collective, text, plan, name + "mlp");
        RegisterComponents();
    }

    /// <summary>Norm before attention.</summary>
    public RmsNorm InputNorm => input_layernorm;

    /// <summary>Attention.</summary>
    public Attention Attention => self_attn;

    /// <summary>Norm before the MLP.</summary>
    public RmsNorm PostNorm => post_attention_layernorm;

    /// <summary>The MLP.</summary>
    public GatedMlp Mlp => mlp;

    /// <param name="x">[tokens, hidden]</param>
    /// <param name="cos">[tokens, 1, head_dim]</param>
    /// <param name="sin">[tokens, 1, head_dim]</param>
    /// <param name="step">Where the sequences stand.</param>
    /// <param name="store">Earlier keys and values.</param>
    /// <returns>[tokens, hidden]</returns>
    public Tensor forward(Tensor x, Tensor cos, Tensor sin, StepInput step, IKvStore store)
    {
        using var scope = NewDisposeScope();
        var attended = x.Plus(self_attn.forward(input_layernorm.forward(x), cos, sin, step, store));
        return attended.Plus(mlp.forward(post_attention_layernorm.forward(attended))).MoveToOuterDisposeScope();
    }
}
