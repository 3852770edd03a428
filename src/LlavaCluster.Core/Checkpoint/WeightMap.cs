namespace LlavaCluster.Core.Checkpoint;

/// <summary>Where each tensor that a config asks for lies in the files of its folder.</summary>
public sealed class WeightMap
{
    private static readonly string[] ReadableTypes = ["F16", "BF16", "F32"];

    private readonly Dictionary<string, StoredTensor> _found = [];
    private readonly List<string> _unknown = [];

    /// <summary>Matches the folder's tensors with the config's.</summary>
    /// <exception cref="BadCheckpointException">Two tensors of the files are the same tensor of ours.</exception>
    public WeightMap(CheckpointFolder folder, LlavaConfig config)
    {
        (Folder, Entries) = (folder.Folder, TensorCatalog.Of(config));
        TieEmbeddings = config.Text.TieEmbeddings;
        var known = Entries.Select(e => e.Name).ToHashSet();
        foreach (var stored in folder.Tensors)
        {
            var name = WeightName.Ours(stored.Tensor.Name);
            if (WeightName.IsLeftover(name) || (name == "image_newline" && config.Kind == LlavaKind.Llava15))
            {
                continue;
            }

            if (!known.Contains(name))
            {
                _unknown.Add(stored.Tensor.Name);
            }
            else if (!_found.TryAdd(name, stored))
            {
                throw new BadCheckpointException(
                    $"{Folder}: '{_found[name].Tensor.Name}' and '{stored.Tensor.Name}' are the same tensor in two layouts of names. Remove one.");
            }
        }
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>What the config asks for.</summary>
    public IReadOnlyList<CatalogEntry> Entries { get; }

    private bool TieEmbeddings { get; }

    /// <summary>Where a tensor lies, or null. A tied output layer that the files leave out is the embedding.</summary>
    /// <param name="name">Our name.</param>
    public StoredTensor? Find(string name) =>
        _found.GetValueOrDefault(name == TensorCatalog.OutputLayer && TieEmbeddings && !_found.ContainsKey(name) ? TensorCatalog.Embedding : name);

    /// <summary>
    /// Checks, before anything is loaded, that the files have every tensor of the parts that are needed, in the right shape and
    /// a type that can be read, and no tensor that the config does not know.
    /// </summary>
    /// <exception cref="BadCheckpointException">They do not; all missing, unknown and misshapen tensors are listed.</exception>
    public void Check(WeightRoles needed)
    {
        var used = Entries.Where(e => e.Used && needed.HasFlag(e.Role)).ToArray();
        var complaints = new List<string>();
        Complain("missing", [.. used.Where(e => Find(e.Name) is null).Select(e => e.Name)]);
        if (needed.HasFlag(WeightRoles.Vision) && !Entries.Any(e => e.Role == WeightRoles.Vision && _found.ContainsKey(e.Name)))
        {
            // Original LLaVA-1.5 checkpoints were published so: the tower was frozen, and fetched from elsewhere by name.
            complaints.Add("The folder has no vision tower at all: save the one that the model was trained with among its weights.");
        }

        Complain("unknown", _unknown);
        Complain("of another shape", [.. used.Select(WrongShape).OfType<string>()]);
        Complain("of another type than " + string.Join(", ", ReadableTypes), [.. used.Select(WrongType).OfType<string>()]);
        if (complaints.Count > 0)
        {
            throw new BadCheckpointException($"{Folder}: the weights do not fit config.json. {string.Join(" ", complaints)}");
        }

        void Complain(string what, IReadOnlyCollection<string> names)
        {
            if (names.Count > 0)
            {
                complaints.Add($"{names.Count} {(names.Count == 1 ? "tensor is" : "tensors are")} {what}: {NameList.Show(names)}.");
            }
        }
    }

    private string? WrongShape(CatalogEntry entry) =>
        Find(entry.Name) is { } stored && !stored.Tensor.Shape.SequenceEqual(entry.Shape)
            ? $"{entry.Name} (expected {SafetensorsTensor.Show(entry.Shape)}, file has {SafetensorsTensor.Show(stored.Tensor.Shape)})"
            : null;

    private string? WrongType(CatalogEntry entry) =>
        Find(entry.Name) is { } stored && !ReadableTypes.Contains(stored.Tensor.Type) ? $"{entry.Name} ({stored.Tensor.Type})" : null;
}
