using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaCluster.Model.Weights;

/// <summary>The configuration files of a LLaVA-NeXT checkpoint, in the form of the published ones.</summary>
internal static class ConfigurationFiles
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes config.json, generation_config.json, preprocessor_config.json and processor_config.json.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="preset">Its dimensions.</param>
    /// <param name="dtype">float16, bfloat16 or float32.</param>
    /// <param name="imageToken">Placeholder id of image tokens.</param>
    public static void Write(string folder, SyntheticPreset preset, string dtype, int imageToken)
    {
        Save("config.json", Config(preset, dtype, imageToken));
        Save("generation_config.json", new JsonObject
        {
            ["bos_token_id"] = 1,
            ["eos_token_id"] = preset.EosId,
            ["pad_token_id"] = preset.PadId,
        });
        Save("preprocessor_config.json", Preprocessor(preset));
        Save("processor_config.json", new JsonObject
        {
            ["image_token"] = "<image>",
            ["num_additional_image_tokens"] = 1,
            ["patch_size"] = preset.PatchSide,
            ["processor_class"] = "LlavaNextProcessor",
            ["vision_feature_select_strategy"] = "default",
        });

        void Save(string file, JsonObject json) => File.WriteAllText(Path.Combine(folder, file), json.ToJsonString(Indented) + "\n");
    }

    private static JsonObject Config(SyntheticPreset preset, string dtype, int imageToken)
    {
        var text = new JsonObject
        {
            ["model_type"] = preset.ModelType,
            ["hidden_size"] = preset.Hidden,
            ["intermediate_size"] = preset.Intermediate,
            ["num_hidden_layers"] = preset.Layers,
            ["num_attention_heads"] = preset.Heads,
            ["num_key_value_heads"] = preset.KvHeads ?? preset.Heads,
            ["max_position_embeddings"] = preset.MaxPositions,
            ["rms_norm_eps"] = 1e-5,
            ["rope_theta"] = preset.RopeTheta,
            ["vocab_size"] = preset.VocabularySize,
            ["eos_token_id"] = preset.EosId,
            ["pad_token_id"] = preset.PadId,
            ["torch_dtype"] = dtype,
        };
        if (preset.HeadDim is { } headDim)
        {
            text["head_dim"] = headDim;
        }

        if (preset.ModelType == "mistral")
        {
            // Absent would mean a window of 4096.
            text["sliding_window"] = null;
        }

        return new JsonObject
        {
            ["architectures"] = new JsonArray("LlavaNextForConditionalGeneration"),
            ["model_type"] = "llava_next",
            ["image_grid_pinpoints"] = Pinpoints(preset.ImageSide),
            ["image_seq_length"] = preset.ImageSide / preset.PatchSide * (preset.ImageSide / preset.PatchSide),
            ["image_token_index"] = imageToken,
            ["multimodal_projector_bias"] = true,
            ["projector_hidden_act"] = "gelu",
            ["text_config"] = text,
            ["tie_word_embeddings"] = false,
            ["torch_dtype"] = dtype,
            ["vision_config"] = new JsonObject
            {
                ["model_type"] = "clip_vision_model",
                ["hidden_size"] = preset.VisionHidden,
                ["intermediate_size"] = preset.VisionIntermediate,
                ["num_hidden_layers"] = preset.VisionLayers,
                ["num_attention_heads"] = preset.VisionHeads,
                ["image_size"] = preset.ImageSide,
                ["patch_size"] = preset.PatchSide,
                ["projection_dim"] = preset.ProjectionDim,
            },
            ["vision_feature_layer"] = preset.FeatureLayer,
            ["vision_feature_select_strategy"] = "default",
        };
    }

    private static JsonObject Preprocessor(SyntheticPreset preset) => new()
    {
        ["image_processor_type"] = "LlavaNextImageProcessor",
        ["processor_class"] = "LlavaNextProcessor",
        ["do_resize"] = true,
        ["do_center_crop"] = true,
        ["do_convert_rgb"] = true,
        ["do_rescale"] = true,
        ["do_normalize"] = true,
        ["do_pad"] = true,
        ["resample"] = 3,
        ["rescale_factor"] = 0.00392156862745098,
        ["size"] = new JsonObject { ["shortest_edge"] = preset.ImageSide },
        ["crop_size"] = new JsonObject { ["height"] = preset.ImageSide, ["width"] = preset.ImageSide },
        ["image_grid_pinpoints"] = Pinpoints(preset.ImageSide),
        ["image_mean"] = new JsonArray(0.48145466, 0.4578275, 0.40821073),
        ["image_std"] = new JsonArray(0.26862954, 0.26130258, 0.27577711),
    };

    /// <summary>The five published canvases, in tiles.</summary>
    private static JsonArray Pinpoints(int side) =>
        [.. new (int, int)[] { (1, 2), (2, 1), (2, 2), (3, 1), (1, 3) }
            .Select(grid => (JsonNode)new JsonArray(grid.Item1 * side, grid.Item2 * side))];
}
