using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Weights;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Checkpoint;

/// <summary>Writes a model as a checkpoint folder in published form: float16, names of layout A, all files that transformers reads.</summary>
internal static class CheckpointWriter
{
    private const string StoredType = "F16";

    /// <summary>Writes every file but the weights. <see cref="LlavaConfigReader"/> then gives the config that training builds its model by.</summary>
    /// <param name="folder">A folder that is there; files in it are replaced.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="vocabulary">The tokenizer.</param>
    /// <exception cref="BadCheckpointException">The tokenizer has more ids than the shape has rows.</exception>
    public static void WriteFiles(string folder, TinyShape shape, BpeVocabulary vocabulary)
    {
        if (vocabulary.Count > shape.Vocabulary)
        {
            throw new BadCheckpointException(
                $"The tokenizer has {vocabulary.Count} ids, the embedding {shape.Vocabulary} rows. Take a smaller tokenizer or more rows.");
        }

        ConfigurationFiles.Write(folder, shape.ToPreset(vocabulary.PadId), "float16", vocabulary.ImageId);
        TokenizerWriter.Write(folder, vocabulary, shape.Context);
    }

    /// <summary>Writes the whole checkpoint; it is complete or not there.</summary>
    /// <param name="folder">A new or empty folder.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="vocabulary">The tokenizer.</param>
    /// <param name="weights">Tensors of any type and device by our names; all that the config asks for, but unused ones may be left out.</param>
    /// <exception cref="BadCheckpointException">Tensors are missing, unknown, misshapen or not finite in float16, or the folder is in use.</exception>
    public static void Write(string folder, TinyShape shape, BpeVocabulary vocabulary, IReadOnlyDictionary<string, Tensor> weights) =>
        FreshFolder.Write(folder, partial =>
        {
            WriteFiles(partial, shape, vocabulary);
            WriteWeights(partial, weights);
        });

    /// <summary>Writes the whole checkpoint with the files beside the weights as <see cref="WriteFiles"/> left them in another folder.</summary>
    /// <param name="folder">A new or empty folder.</param>
    /// <param name="files">The folder of the files.</param>
    /// <param name="weights">As in <see cref="Write(string, TinyShape, BpeVocabulary, IReadOnlyDictionary{string, Tensor})"/>.</param>
    /// <exception cref="BadCheckpointException">As above.</exception>
    public static void Write(string folder, string files, IReadOnlyDictionary<string, Tensor> weights) =>
        FreshFolder.Write(folder, partial =>
        {
            foreach (var file in Directory.EnumerateFiles(files, "*.json"))
            {
                File.Copy(file, Path.Combine(partial, Path.GetFileName(file)));
            }

            WriteWeights(partial, weights);
        });

    /// <summary>Writes model.safetensors beside the config that stands in the folder.</summary>
    private static void WriteWeights(string folder, IReadOnlyDictionary<string, Tensor> weights)
    {
        var catalog = TensorCatalog.Of(LlavaConfigReader.Read(folder));
        Check(catalog, weights);
        foreach (var file in WeightFile.Cut(catalog, StoredType))
        {
            using var stream = File.Create(Path.Combine(folder, file.Name));
            stream.Write(file.Header);
            foreach (var entry in file.Entries)
            {
                using var scope = NewDisposeScope();
                var tensor = weights.TryGetValue(entry.Name, out var given) ? given.detach() : Unused(entry);
                var stored = tensor.to(ScalarType.Float16).cpu().contiguous();
                if (!stored.isfinite().all().item<bool>())
                {
                    throw new BadCheckpointException(
                        $"Tensor {entry.Name} has values that float16 cannot hold: its largest is {tensor.abs().max().to(ScalarType.Float32).item<float>():G4}.");
                }

                stream.Write(stored.bytes);
            }
        }
    }

    private static void Check(IReadOnlyList<CatalogEntry> catalog, IReadOnlyDictionary<string, Tensor> weights)
    {
        var wrong = catalog.Where(e => e.Used && !weights.ContainsKey(e.Name)).Select(e => $"{e.Name} is missing")
            .Concat(weights.Keys.Except(catalog.Select(e => e.Name)).Order(StringComparer.Ordinal).Select(name => $"{name} is unknown"))
            .Concat(catalog.Where(e => weights.TryGetValue(e.Name, out var t) && !t.shape.SequenceEqual(e.Shape)).Select(
                e => $"{e.Name} is {SafetensorsTensor.Show(weights[e.Name].shape)}, not {SafetensorsTensor.Show(e.Shape)}"))
            .ToArray();
        if (wrong.Length > 0)
        {
            throw new BadCheckpointException($"The weights do not fit the config: {string.Join("; ", wrong)}.");
        }
    }

    /// <summary>CLIP's last norm, which transformers wants to find and LLaVA does not use, as it stands before any training.</summary>
    private static Tensor Unused(CatalogEntry entry) =>
        full(entry.Shape, entry.Name.EndsWith("norm.weight", StringComparison.Ordinal) ? 1f : 0f, dtype: ScalarType.Float32);
}
