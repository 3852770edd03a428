using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Checkpoint;

/// <summary><c>config.json</c> of transformers' LlavaNextForConditionalGeneration and LlavaForConditionalGeneration.</summary>
internal static class HuggingFaceConfig
{
    /// <summary>Reads it.</summary>
    public static LlavaConfig Read(ConfigObject root, ConfigObject? preprocessor, IReadOnlyList<int> eosIds)
    {
        var kind = root.OneOf("model_type", "", "llava_next", "llava") == "llava" ? LlavaKind.Llava15 : LlavaKind.LlavaNext;
        root.OneOf("vision_feature_select_strategy", "default", "default");
        root.OneOf("projector_hidden_act", "gelu", "gelu");

        var text = root.Object("text_config") ?? root.Nothing("text_config");
        var vision = VisionConfigReader.Read(root.Object("vision_config"), root, "vision_feature_layer");
        return new LlavaConfig
        {
            Kind = kind,
            Layout = CheckpointLayout.HuggingFace,
            Text = TextConfigReader.Read(text, root, text.OneOf("model_type", "llama", "llama", "mistral")),
            Vision = vision,
            Images = ImageProcessingReader.Read(root, preprocessor, vision, Mode(kind, preprocessor), PinpointOrder.HeightWidth),
            ImageTokenId = ImageTokenId(root),
            EosIds = eosIds,
            ProjectorBias = root.Flag("multimodal_projector_bias", true),
            StoredType = root.Text("torch_dtype") ?? root.Text("dtype") ?? text.Text("torch_dtype") ?? text.Text("dtype"),
        };
    }

    /// <summary>LLaVA-1.5's own processor can pad to a square; the plain CLIP processor, as published, crops.</summary>
    private static ImageMode Mode(LlavaKind kind, ConfigObject? preprocessor)
    {
        if (kind == LlavaKind.LlavaNext)
        {
            return ImageMode.AnyRes;
        }

        var own = preprocessor?.Text("image_processor_type")?.StartsWith("LlavaImageProcessor", StringComparison.Ordinal) == true;
        return own && preprocessor!.Flag("do_pad", false) ? ImageMode.PadToSquare : ImageMode.CentreCrop;
    }

    private static int ImageTokenId(ConfigObject root)
    {
        var key = root.HasValue("image_token_index") ? "image_token_index" : "image_token_id";
        var id = root.FindInt(key) ?? 32000;
        return id >= 0 ? id : throw root.Refuse(key, "a token id of 0 or more");
    }
}
