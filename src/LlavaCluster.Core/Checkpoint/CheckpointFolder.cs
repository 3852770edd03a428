using System.Text.RegularExpressions;

namespace LlavaCluster.Core.Checkpoint;

/// <summary>A tensor and the file that holds it.</summary>
/// <param name="File">Path of the file.</param>
/// <param name="Tensor">Where it lies there.</param>
public sealed record StoredTensor(string File, SafetensorsTensor Tensor);

/// <summary>
/// The safetensors files of a checkpoint folder: one <c>model.safetensors</c>, the shards of an index, or all files there are.
/// Every header is read and checked; no tensor is.
/// </summary>
public sealed partial class CheckpointFolder
{
    private const string SingleFile = "model.safetensors";
    private const string IndexFile = "model.safetensors.index.json";
    private static readonly string[] PickleEndings = [".bin", ".pt", ".pth", ".ckpt"];

    private CheckpointFolder(string folder, IReadOnlyList<StoredTensor> tensors) => (Folder, Tensors) = (folder, tensors);

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>All tensors of all files, each name once, by their names in the files.</summary>
    public IReadOnlyList<StoredTensor> Tensors { get; }

    /// <summary>Finds the files and reads their headers.</summary>
    /// <exception cref="BadCheckpointException">There are no safetensors files, a shard is missing, or a header is wrong.</exception>
    public static CheckpointFolder Open(string folder)
    {
        var single = Path.Combine(folder, SingleFile);
        if (File.Exists(single))
        {
            return new CheckpointFolder(folder, Join([SafetensorsHeader.Read(single)], null));
        }

        if (ConfigObject.TryRead(Path.Combine(folder, IndexFile)) is { } index)
        {
            var map = ShardIndex.Read(index);
            var headers = ReadAll(folder, [.. map.Values.Distinct().Order(StringComparer.Ordinal)], IndexFile);
            return new CheckpointFolder(folder, Join(headers, map));
        }

        var files = Directory.EnumerateFiles(folder, "*.safetensors").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal).ToArray();
        if (files.Length == 0)
        {
            throw NoFiles(folder);
        }

        return new CheckpointFolder(folder, Join(ReadAll(folder, [.. files.Union(Siblings(files))], "the names of the others"), null));
    }

    /// <summary>Reads the headers; files that are not there are named all at once.</summary>
    private static SafetensorsHeader[] ReadAll(string folder, IReadOnlyList<string> files, string source)
    {
        var missing = files.Where(f => !File.Exists(Path.Combine(folder, f))).ToArray();
        return missing.Length == 0
            ? [.. files.Select(f => SafetensorsHeader.Read(Path.Combine(folder, f)))]
            : throw new BadCheckpointException(
                $"{folder}: {missing.Length} of {files.Count} weight files are missing, by {source}: {NameList.Show(missing)}. Fetch them again.");
    }

    private static IReadOnlyList<StoredTensor> Join(IReadOnlyList<SafetensorsHeader> headers, IReadOnlyDictionary<string, string>? map)
    {
        var stored = new Dictionary<string, StoredTensor>();
        foreach (var header in headers)
        {
            foreach (var tensor in header.Tensors.Values)
            {
                // A tensor that lies in two files belongs to the one that the index names.
                if (map is not null && map.TryGetValue(tensor.Name, out var file) && file != Path.GetFileName(header.File))
                {
                    continue;
                }

                if (!stored.TryAdd(tensor.Name, new StoredTensor(header.File, tensor)))
                {
                    throw new BadCheckpointException(
                        $"{header.File}: tensor '{tensor.Name}' is also in {stored[tensor.Name].File}. "
                        + "Remove the file that does not belong to the checkpoint.");
                }
            }
        }

        var lost = map?.FirstOrDefault(m => !stored.ContainsKey(m.Key)) ?? default;
        return lost.Key is null
            ? [.. stored.Values]
            : throw new BadCheckpointException(
                $"{Path.GetDirectoryName(headers[0].File)}: {IndexFile} says that tensor '{lost.Key}' is in {lost.Value}, "
                + "but it is not there. Fetch index and shards again.");
    }

    /// <summary>All files of a set of which one is there: model-00001-of-00003 tells of two more.</summary>
    private static IEnumerable<string> Siblings(IEnumerable<string> files) =>
        from file in files
        let match = ShardName().Match(file)
        where match.Success
        let count = int.Parse(match.Groups["count"].ValueSpan)
        from number in Enumerable.Range(1, Math.Min(count, 9999))
        select $"{match.Groups["stem"].Value}-{number.ToString($"D{match.Groups["number"].Length}")}-of-{match.Groups["count"].Value}.safetensors";

    private static BadCheckpointException NoFiles(string folder)
    {
        var pickles = Directory.EnumerateFiles(folder)
            .Select(f => Path.GetFileName(f))
            .Where(f => PickleEndings.Contains(Path.GetExtension(f)))
            .Order(StringComparer.Ordinal)
            .ToArray();
        return new BadCheckpointException(pickles.Length == 0
            ? $"{folder}: there are no weights: {SingleFile}, or {IndexFile} with its shards, is needed."
            : $"{folder}: the weights are pickle files ({NameList.Show(pickles)}), which run code when read; LlavaCluster never reads them. "
                + "Convert them once in Python: load the model with transformers and call model.save_pretrained(folder, safe_serialization=True).");
    }

    [GeneratedRegex(@"^(?<stem>.+)-(?<number>\d{1,9})-of-(?<count>\d{1,9})\.safetensors$")]
    private static partial Regex ShardName();
}
