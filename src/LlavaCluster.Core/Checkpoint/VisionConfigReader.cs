using System.Text.Json;

namespace LlavaCluster.Core.Checkpoint;

/// <summary>The vision tower's numbers, with the defaults of CLIPVisionConfig (transformers).</summary>
internal static class VisionConfigReader
{
    /// <summary>Reads a <c>vision_config</c>.</summary>
    /// <param name="vision">The object; null: the file has none, which means CLIP ViT-L/14 at 336 pixels.</param>
    /// <param name="root">The root, which has the feature layer.</param>
    /// <param name="layerKey">Key of the feature layer.</param>
    public static VisionConfig Read(ConfigObject? vision, ConfigObject root, string layerKey)
    {
        if (vision is null)
        {
            return Large14At336(LayersUsed(root, layerKey, layers: 24));
        }

        vision.OneOf("model_type", "clip_vision_model", "clip_vision_model");
        if (vision.Size("num_channels", 3) != 3)
        {
            throw vision.Refuse("num_channels", "3");
        }

        var layers = vision.Size("num_hidden_layers", 12);
        var config = new VisionConfig
        {
            Hidden = vision.Size("hidden_size", 768),
            Intermediate = vision.Size("intermediate_size", 3072),
            Layers = layers,
            Heads = vision.Size("num_attention_heads", 12),
            ImageSide = vision.Size("image_size", 224, most: 1 << 14),
            PatchSide = vision.Size("patch_size", 32, most: 1 << 14),
            LayerNormEps = vision.Positive("layer_norm_eps", 1e-5),
            Activation = vision.OneOf("hidden_act", "quick_gelu", "quick_gelu", "gelu"),
            LayersUsed = LayersUsed(root, layerKey, layers),
        };
        if (config.Hidden % config.Heads != 0)
        {
            throw vision.Refuse(
                $"{vision.Path("hidden_size")} {config.Hidden} is not a multiple of {vision.Path("num_attention_heads")} {config.Heads}.");
        }

        return config.PatchSide <= config.ImageSide
            ? config
            : throw vision.Refuse($"{vision.Path("patch_size")} {config.PatchSide} is larger than {vision.Path("image_size")} {config.ImageSide}.");
    }

    private static VisionConfig Large14At336(int layersUsed) => new()
    {
        Hidden = 1024,
        Intermediate = 4096,
        Layers = 24,
        Heads = 16,
        ImageSide = 336,
        PatchSide = 14,
        LayerNormEps = 1e-5,
        Activation = "quick_gelu",
        LayersUsed = layersUsed,
    };

    /// <summary>
    /// The feature layer counts hidden states, of which the first is the encoder's input: −2 of 24 layers is entry 23 of 25,
    /// the output of layer 23.
    /// </summary>
    private static int LayersUsed(ConfigObject root, string key, int layers)
    {
        var taken = $"one whole number from {-layers - 1} to {layers} (of {layers} layers)";
        if (root.Find(key) is { ValueKind: JsonValueKind.Array })
        {
            throw root.Refuse(key, taken);
        }

        var layer = root.FindInt(key) ?? -2;
        var used = layer < 0 ? layers + 1 + layer : layer;
        return used >= 0 && used <= layers ? used : throw root.Refuse(key, taken);
    }
}
