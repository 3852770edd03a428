using System.Text.RegularExpressions;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Checkpoint;

/// <summary><c>config.json</c> of the original LLaVA project: the language model's keys at the root, the rest under <c>mm_*</c>.</summary>
internal static partial class OriginalConfig
{
    /// <summary>Reads it.</summary>
    public static LlavaConfig Read(ConfigObject root, ConfigObject? preprocessor, IReadOnlyList<int> eosIds)
    {
        root.OneOf("mm_projector_type", "linear", "mlp2x_gelu");
        root.OneOf("mm_vision_select_feature", "patch", "patch");
        root.Only("mm_use_im_start_end", false);
        if (!root.HasValue("mm_vision_select_layer"))
        {
            throw root.Refuse("mm_vision_select_layer", "one whole number, -2 in published files");
        }

        var vision = VisionConfigReader.Read(TowerObject(root), root, "mm_vision_select_layer");
        if (root.FindInt("mm_hidden_size") is { } width && width != vision.Hidden)
        {
            throw root.Refuse("mm_hidden_size", $"the width of the vision tower, {vision.Hidden}");
        }

        var text = TextConfigReader.Read(root, root, IsMistral(root) ? "mistral" : "llama");
        var mode = Mode(root);
        return new LlavaConfig
        {
            Kind = mode == ImageMode.AnyRes ? LlavaKind.LlavaNext : LlavaKind.Llava15,
            Layout = CheckpointLayout.Original,
            Text = text,
            Vision = vision,
            Images = ImageProcessingReader.Read(root, preprocessor, vision, mode, PinpointOrder.WidthHeight),
            ImageTokenId = text.VocabularySize,
            EosIds = eosIds,
            ProjectorBias = true,
            StoredType = root.Text("torch_dtype") ?? root.Text("dtype"),
        };
    }

    private static bool IsMistral(ConfigObject root) =>
        root.OneOf("model_type", "llava_llama", "llava_llama", "llava_mistral", "llava") == "llava_mistral"
        || root.Texts("architectures").Contains("LlavaMistralForCausalLM");

    /// <summary>Published files name the tower only; its numbers are then those of the one tower that LLaVA was made with.</summary>
    private static ConfigObject? TowerObject(ConfigObject root)
    {
        if (root.Object("vision_config") is { } own)
        {
            return own;
        }

        return Large14At336().IsMatch(root.Text("mm_vision_tower") ?? "")
            ? null
            : throw root.Refuse("mm_vision_tower", "\"openai/clip-vit-large-patch14-336\", or a vision_config block with the tower's numbers");
    }

    private static ImageMode Mode(ConfigObject root)
    {
        switch (root.OneOf("image_aspect_ratio", "square", "anyres", "pad", "square"))
        {
            case "anyres":
                root.OneOf("mm_patch_merge_type", "flat", "spatial_unpad");
                return ImageMode.AnyRes;
            case "pad":
                return ImageMode.PadToSquare;
            default:
                return ImageMode.CentreCrop;
        }
    }

    [GeneratedRegex("clip-vit-large-patch14-336$|clip-vit-large-patch14-336[/_-]")]
    private static partial Regex Large14At336();
}
