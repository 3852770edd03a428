namespace LlavaCluster.Core.Checkpoint;

/// <summary>
/// Names of weights: those of files to ours and back. Files have, for the same tensor,
/// <code>
/// Hugging Face A   language_model.model.norm.weight         vision_tower.vision_model.pre_layrnorm.weight
/// Hugging Face B   model.language_model.norm.weight         model.vision_tower.vision_model.pre_layrnorm.weight
/// Hugging Face C   model.language_model.norm.weight         model.vision_tower.pre_layrnorm.weight
/// original         model.norm.weight                        model.vision_tower.vision_tower.vision_model.pre_layrnorm.weight
/// ours             language_model.norm.weight               vision_tower.pre_layrnorm.weight
/// </code>
/// and the projector is <c>multi_modal_projector.linear_1</c> or, in the original, <c>mm_projector.0</c>.
/// </summary>
public static class WeightName
{
    private const string Model = "model.";
    private const string Language = "language_model.";
    private const string Head = "lm_head.";
    private const string Vision = "vision_tower.";
    private const string VisionModel = "vision_model.";

    private static readonly (string Theirs, string Ours)[] Projector =
    [
        ("multi_modal_projector.", "multi_modal_projector."),
        ("mm_projector.0.", "multi_modal_projector.linear_1."),
        ("mm_projector.2.", "multi_modal_projector.linear_2."),
    ];

    /// <summary>Our name of a file's tensor. A name of no known layout comes out such that no config asks for it.</summary>
    public static string Ours(string theirs)
    {
        var rest = Cut(theirs, Model);
        if (rest.StartsWith(Language, StringComparison.Ordinal))
        {
            rest = Cut(Cut(rest, Language), Model);
            return rest.StartsWith(Head, StringComparison.Ordinal) ? rest : Language + rest;
        }

        if (rest.StartsWith(Vision, StringComparison.Ordinal))
        {
            return Vision + Cut(Cut(Cut(rest, Vision), Vision), VisionModel);
        }

        foreach (var (prefix, ours) in Projector)
        {
            if (rest.StartsWith(prefix, StringComparison.Ordinal))
            {
                return ours + rest[prefix.Length..];
            }
        }

        var ofDecoder = rest.StartsWith("layers.", StringComparison.Ordinal) || rest.StartsWith("embed_tokens.", StringComparison.Ordinal)
            || rest.StartsWith("norm.", StringComparison.Ordinal);
        return ofDecoder ? Language + rest : rest;
    }

    /// <summary>The name in the published form (Hugging Face A) of one of our names.</summary>
    public static string Published(string ours)
    {
        if (ours.StartsWith(Language, StringComparison.Ordinal))
        {
            return Language + Model + ours[Language.Length..];
        }

        if (ours.StartsWith(Vision, StringComparison.Ordinal))
        {
            return Vision + VisionModel + ours[Vision.Length..];
        }

        return ours.StartsWith(Head, StringComparison.Ordinal) ? Language + ours : ours;
    }

    /// <summary>Tensors that some files carry and nobody needs: tables that follow from the config, CLIP's way to its text half.</summary>
    public static bool IsLeftover(string name) =>
        name.EndsWith(".inv_freq", StringComparison.Ordinal) || name.EndsWith(".position_ids", StringComparison.Ordinal)
        || name.EndsWith("visual_projection.weight", StringComparison.Ordinal);

    private static string Cut(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
}
