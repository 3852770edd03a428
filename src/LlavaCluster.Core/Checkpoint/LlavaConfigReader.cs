namespace LlavaCluster.Core.Checkpoint;

/// <summary>
/// Reads the numbers of a checkpoint folder: <c>config.json</c>, <c>generation_config.json</c>, <c>preprocessor_config.json</c>,
/// in the Hugging Face form or in that of the original project. Fields that the files leave out take the class defaults,
/// since published files omit every field that equals them.
/// </summary>
public static class LlavaConfigReader
{
    /// <summary>Class default of <c>eos_token_id</c> (LlamaConfig, MistralConfig).</summary>
    private const int DefaultEos = 2;

    private static readonly string[] OriginalTypes = ["llava_llama", "llava_mistral"];
    private static readonly string[] OriginalClasses = ["LlavaLlamaForCausalLM", "LlavaMistralForCausalLM"];

    /// <summary>The complete numbers of the checkpoint in <paramref name="folder"/>.</summary>
    /// <exception cref="BadCheckpointException">A file is missing or not JSON, or says what cannot be served.</exception>
    public static LlavaConfig Read(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new BadCheckpointException(
                $"{folder}: there is no such folder. Name a checkpoint folder (config.json, *.safetensors, tokenizer files).");
        }

        var file = Path.Combine(folder, "config.json");
        var root = ConfigObject.TryRead(file)
            ?? throw new BadCheckpointException(
                $"{file}: there is no such file. A checkpoint folder has config.json, *.safetensors and tokenizer files.");
        var generation = ConfigObject.TryRead(Path.Combine(folder, "generation_config.json"));
        var preprocessor = Preprocessor(folder);
        return IsOriginal(root)
            ? OriginalConfig.Read(root, preprocessor, EosIds(generation, root, root))
            : HuggingFaceConfig.Read(root, preprocessor, EosIds(generation, root.Object("text_config"), root));
    }

    /// <summary>The type name does not decide: the original's first files say "llava", as Hugging Face's LLaVA-1.5 does.</summary>
    private static bool IsOriginal(ConfigObject root) =>
        root.Has("mm_vision_tower") || root.Has("mm_projector_type")
        || OriginalTypes.Contains(root.Text("model_type")) || root.Texts("architectures").Intersect(OriginalClasses).Any();

    /// <summary>Newer files keep the image processor inside <c>processor_config.json</c>.</summary>
    private static ConfigObject? Preprocessor(string folder) =>
        ConfigObject.TryRead(Path.Combine(folder, "preprocessor_config.json"))
        ?? ConfigObject.TryRead(Path.Combine(folder, "processor_config.json"))?.Object("image_processor");

    /// <summary>The first of the places that names any.</summary>
    private static IReadOnlyList<int> EosIds(params ConfigObject?[] places)
    {
        foreach (var place in places)
        {
            if (place?.FindInts("eos_token_id") is { } ids)
            {
                return ids.All(id => id >= 0) ? ids : throw place.Refuse("eos_token_id", "token ids of 0 or more");
            }
        }

        return [DefaultEos];
    }
}
