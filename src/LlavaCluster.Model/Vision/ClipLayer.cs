using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Layers;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Vision;

/// <summary>x += attention(norm1(x)); x += mlp(norm2(x)). No mask: every patch sees every other of its tile.</summary>
internal sealed class ClipLayer : nn.Module
{
    private readonly PlainLayerNorm layer_norm1;
    private readonly PlainLinear qkv_proj;
    private readonly PlainLinear out_proj;
    private readonly PlainLayerNorm layer_norm2;
    private readonly PlainLinear fc1;
    private readonly PlainLinear fc2;
    private readonly long _heads;
    private readonly bool _quick;

    /// <summary>Reads layer <paramref name="layer"/>.</summary>
    public ClipLayer(WeightParts parts, VisionConfig vision, int layer)
        : base(nameof(ClipLayer))
    {
        var name = $"vision_tower.encoder.layers.{layer}.";
        var attention = name + "self_attn.";
        long hidden = vision.Hidden, inner = vision.Intermediate;
        (_heads, _quick) = (vision.Heads, vision.Activation == "quick_gelu");
        layer_norm1 = new PlainLayerNorm(parts, name + "layer_norm1", hidden, vision.LayerNormEps);
        qkv_proj = new PlainLinear(parts, [attention + "q_proj", attention + "k_proj", attention + "v_proj"], hidden, hidden);
        out_proj = new PlainLinear(parts, attention + "out_proj", hidden, hidden);
        layer_norm2 = new PlainLayerNorm(parts, name + "layer_norm2", hidden, vision.LayerNormEps);
        fc1 = new PlainLinear(parts, name + "mlp.fc1", inner, hidden);
        fc2 = new PlainLinear(parts, name + "mlp.fc2", hidden, inner);
        RegisterComponents();
    }

    public PlainLayerNorm InputNorm => layer_norm1;

    public PlainLinear QkvProjection => qkv_proj;

    public PlainLinear OutputProjection => out_proj;

    public PlainLayerNorm PostNorm => layer_norm2;

    public PlainLinear Widening => fc1;

    public PlainLinear Narrowing => fc2;

    /// <param name="x">[tiles, 1 + patches, hidden]</param>
    /// <returns>[tiles, 1 + patches, hidden]</returns>
    public Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var attended = x.Plus(Attend(layer_norm1.forward(x)));
        var inner = fc1.forward(layer_norm2.forward(attended));
        var active = _quick ? inner.mul(inner.Times(1.702).sigmoid()) : nn.functional.gelu(inner);
        return attended.Plus(fc2.forward(active)).MoveToOuterDisposeScope();
    }

    private Tensor Attend(Tensor x)
    {
        long tiles = x.shape[0], tokens = x.shape[1], hidden = x.shape[2];
        var qkv = qkv_proj.forward(x)
            .view(tiles, tokens, 3, _heads, hidden / _heads)
            .permute(2, 0, 3, 1, 4); // [3, tiles, heads, 1 + patches, head_dim]
        var attended = ProductAttention.Suits(qkv)
            ? ProductAttention.Attend(qkv[0], qkv[1], qkv[2])
            : nn.functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
        return out_proj.forward(attended.transpose(1, 2).reshape(tiles, tokens, hidden)); // [tiles, 1 + patches, hidden]
    }
}
