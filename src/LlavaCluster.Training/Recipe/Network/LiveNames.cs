using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Language;
using LlavaCluster.Model.Vision;
using LlavaCluster.Training.Recipe.Optimizing;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Network;

/// <summary>
/// Which tensors of a checkpoint the parameters of the serving modules are. A parameter's path in its module is the tensor's name but for
/// what a module adds or fuses.
/// </summary>
internal static class LiveNames
{
    /// <summary>Modules that hold several layers as one matrix.</summary>
    private static readonly (string Fused, string[] Layers)[] Fusions =
    [
        ("self_attn.qkv_proj", ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
        ("mlp.gate_up_proj", ["mlp.gate_proj", "mlp.up_proj"]),
    ];

    /// <summary>Weights of the vision tower.</summary>
    public static IEnumerable<LearnedWeight> OfTower(ClipVisionTower tower, VisionConfig vision) =>
        Of(tower, WeightPart.Tower, path => "vision_tower." + path switch
        {
            "class_embedding" => "embeddings.class_embedding",
            "patch_embedding" or "position_embedding" => $"embeddings.{path}.weight",
            _ => InsideLayers(path),
        });

    /// <summary>Weights of the heads; they are in no checkpoint.</summary>
    public static IEnumerable<LearnedWeight> OfHeads(TowerHeads heads) => Of(heads, WeightPart.Heads, path => "tower_heads." + path);

    /// <summary>Weights of the projector.</summary>
    public static IEnumerable<LearnedWeight> OfProjector(Projector projector, LlavaConfig config) =>
        Of(projector, WeightPart.Projector, path => "multi_modal_projector." + path);

    /// <summary>Weights of the language model.</summary>
    public static IEnumerable<LearnedWeight> OfLanguage(LanguageModel language, TextConfig text) =>
        Of(language, WeightPart.Language, path => path.StartsWith("lm_head", StringComparison.Ordinal) ? path : "language_model." + path);

    private static string InsideLayers(string path)
    {
        var parts = path.Split('.');
        if (parts[0] != "layers")
        {
            return path;
        }

        var inside = parts[2] switch
        {
            "qkv_proj" or "out_proj" => "self_attn." + parts[2],
            "fc1" or "fc2" => "mlp." + parts[2],
            _ => parts[2],
        };
        return $"encoder.layers.{parts[1]}.{inside}.{parts[3]}";
    }

    private static IEnumerable<LearnedWeight> Of(nn.Module module, WeightPart part, Func<string, string> nameOf)
    {
        // A tied output layer is the embedding's parameter under a second path.
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        foreach (var (path, parameter) in module.named_parameters())
        {
            if (seen.Add(parameter))
            {
                yield return new LearnedWeight(part, parameter, Tensors(nameOf(path), parameter));
            }
        }
    }

    private static IReadOnlyList<(string Name, long[] Shape)> Tensors(string name, Parameter parameter)
    {
        foreach (var (fused, layers) in Fusions)
        {
            if (name.Contains(fused, StringComparison.Ordinal))
            {
                // All layers that are fused here have as many outputs as each other: there are as many KV heads as heads.
                long[] shape = [parameter.shape[0] / layers.Length, .. parameter.shape[1..]];
                return [.. layers.Select(layer => (name.Replace(fused, layer, StringComparison.Ordinal), shape))];
            }
        }

        return [(name, parameter.shape)];
    }
}
