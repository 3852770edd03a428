namespace LlavaCluster.Core.Checkpoint;

/// <summary>A tensor that a config asks for.</summary>
/// <param name="Name">Our name.</param>
/// <param name="Shape">Sizes, outermost first; a linear layer's weight is [out, in].</param>
/// <param name="Role">The part it belongs to.</param>
/// <param name="Used">False: published files have it, and nothing reads it (the vision layers past the feature layer).</param>
public sealed record CatalogEntry(string Name, long[] Shape, WeightRoles Role, bool Used);

/// <summary>
/// All tensors of a checkpoint, as its config says: the one list that loading checks against and that synthetic checkpoints
/// are written from.
/// </summary>
public static class TensorCatalog
{
    /// <summary>Name of the output layer, which is the embedding where the config ties them.</summary>
    public const string OutputLayer = "lm_head.weight";

    /// <summary>Name of the embedding.</summary>
    public const string Embedding = "language_model.embed_tokens.weight";

    /// <summary>The tensors in the order of a forward pass.</summary>
    public static IReadOnlyList<CatalogEntry> Of(LlavaConfig config)
    {
        var entries = new List<CatalogEntry>();
        AddVision(entries, config.Vision);
        AddProjector(entries, config);
        AddLanguage(entries, config.Text);
        return entries;
    }

    private static void AddLanguage(List<CatalogEntry> entries, TextConfig text)
    {
        long hidden = text.Hidden, inner = text.Intermediate, vocabulary = text.VocabularySize;
        long queries = (long)text.Heads * text.HeadDim, keys = (long)text.KvHeads * text.HeadDim;
        Add(Embedding, vocabulary, hidden);
        for (var n = 0; n < text.Layers; n++)
        {
            var layer = $"language_model.layers.{n}.";
            Add(layer + "input_layernorm.weight", hidden);
            Add(layer + "self_attn.q_proj.weight", queries, hidden);
            Add(layer + "self_attn.k_proj.weight", keys, hidden);
            Add(layer + "self_attn.v_proj.weight", keys, hidden);
            Add(layer + "self_attn.o_proj.weight", hidden, queries);
            Add(layer + "post_attention_layernorm.weight", hidden);
            Add(layer + "mlp.gate_proj.weight", inner, hidden);
            Add(layer + "mlp.up_proj.weight", inner, hidden);
            Add(layer + "mlp.down_proj.weight", hidden, inner);
        }

        Add("language_model.norm.weight", hidden);
        Add(OutputLayer, vocabulary, hidden);

        void Add(string name, params long[] shape) => entries.Add(new CatalogEntry(name, shape, WeightRoles.Language, Used: true));
    }

    private static void AddProjector(List<CatalogEntry> entries, LlavaConfig config)
    {
        long hidden = config.Text.Hidden;
        AddLinear("multi_modal_projector.linear_1", hidden, config.Vision.Hidden);
        AddLinear("multi_modal_projector.linear_2", hidden, hidden);
        if (config.Kind == LlavaKind.LlavaNext)
        {
            Add("image_newline", hidden);
        }

        void AddLinear(string name, long outputs, long inputs)
        {
            Add(name + ".weight", outputs, inputs);
            if (config.ProjectorBias)
            {
                Add(name + ".bias", outputs);
            }
        }

        void Add(string name, params long[] shape) => entries.Add(new CatalogEntry(name, shape, WeightRoles.Projector, Used: true));
    }

    private static void AddVision(List<CatalogEntry> entries, VisionConfig vision)
    {
        long hidden = vision.Hidden, inner = vision.Intermediate, side = vision.PatchSide;
        var used = true;
        Add("embeddings.class_embedding", hidden);
        Add("embeddings.patch_embedding.weight", hidden, 3, side, side);
        Add("embeddings.position_embedding.weight", vision.Patches + 1, hidden);
        AddNorm("pre_layrnorm");
        for (var n = 0; n < vision.Layers; n++)
        {
            used = n < vision.LayersUsed;
            var layer = $"encoder.layers.{n}.";
            AddNorm(layer + "layer_norm1");
            AddLinear(layer + "self_attn.q_proj", hidden, hidden);
            AddLinear(layer + "self_attn.k_proj", hidden, hidden);
            AddLinear(layer + "self_attn.v_proj", hidden, hidden);
            AddLinear(layer + "self_attn.out_proj", hidden, hidden);
            AddNorm(layer + "layer_norm2");
            AddLinear(layer + "mlp.fc1", inner, hidden);
            AddLinear(layer + "mlp.fc2", hidden, inner);
        }

        used = false;
        AddNorm("post_layernorm");

        void AddNorm(string name)
        {
            Add(name + ".weight", hidden);
            Add(name + ".bias", hidden);
        }

        void AddLinear(string name, long outputs, long inputs)
        {
            Add(name + ".weight", outputs, inputs);
            Add(name + ".bias", outputs);
        }

        void Add(string name, params long[] shape) =>
            entries.Add(new CatalogEntry("vision_tower." + name, shape, WeightRoles.Vision, used));
    }
}
