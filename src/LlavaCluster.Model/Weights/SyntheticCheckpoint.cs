using System.Text.Json;
using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Model.Weights;

/// <summary>What to write.</summary>
public sealed record SyntheticOptions
{
    /// <summary>The dimensions.</summary>
    public required SyntheticPreset Preset { get; init; }

    /// <summary>A folder whose tokenizer and chat template the checkpoint gets.</summary>
    public required string TokenizerFolder { get; init; }

    /// <summary>Type of the weights: float16, bfloat16 or float32.</summary>
    public string DType { get; init; } = "bfloat16";

    /// <summary>The same seed gives the same bytes, whatever the number of threads.</summary>
    public ulong Seed { get; init; }

    /// <summary>Threads that fill and write; 0: one per core.</summary>
    public int Threads { get; init; }
}

/// <summary>
/// Writes a checkpoint with random weights in the published form, as fast as the disk takes it. It is complete or not there: all
/// is written beside the folder and moved at the end.
/// </summary>
public static class SyntheticCheckpoint
{
    private const long MostThreads = 64;

    private static readonly Dictionary<string, string> StoredTypes = new()
    {
        ["float16"] = "F16",
        ["bfloat16"] = "BF16",
        ["float32"] = "F32",
    };

    /// <summary>Writes the checkpoint and returns its bytes of weights.</summary>
    /// <param name="folder">A new or empty folder.</param>
    /// <param name="options">What to write.</param>
    /// <param name="progress">Is told the bytes written.</param>
    /// <param name="cancellation">Ends the writing; nothing is left then.</param>
    /// <exception cref="BadCheckpointException">The dimensions do not fit each other, the folder is in use, or the disk is too full.</exception>
    public static long Write(string folder, SyntheticOptions options, ILoadProgress? progress = null, CancellationToken cancellation = default)
    {
        if (!StoredTypes.TryGetValue(options.DType, out var type))
        {
            throw new BadCheckpointException($"There is no dtype '{options.DType}' for weights. Take {string.Join(", ", StoredTypes.Keys)}.");
        }

        IReadOnlyList<WeightFile> files = [];
        FreshFolder.Write(folder, partial =>
        {
            SyntheticFiles.Write(partial, options.Preset, options.DType, options.TokenizerFolder);
            files = WeightFile.Cut(TensorCatalog.Of(LlavaConfigReader.Read(partial)), type);
            RequireSpace(partial, files.Sum(f => f.Length));
            WriteIndex(partial, files, type);
            var threads = (int)Math.Min(options.Threads > 0 ? options.Threads : Environment.ProcessorCount, MostThreads);
            new SyntheticWriter(type, options.Seed, threads, progress, cancellation).Write(partial, files);
        });
        return files.Sum(f => f.Length - f.Header.Length);
    }

    private static void RequireSpace(string folder, long bytes)
    {
        var free = new DriveInfo(folder).AvailableFreeSpace;
        if (free < bytes)
        {
            throw new BadCheckpointException(
                $"{folder}: {bytes / 1e9:N1} GB are to be written, {free / 1e9:N1} GB are free. Free some space or name a folder on another disk.");
        }
    }

    private static void WriteIndex(string folder, IReadOnlyList<WeightFile> files, string type)
    {
        if (files.Count == 1)
        {
            return;
        }

        using var stream = File.Create(Path.Combine(folder, "model.safetensors.index.json"));
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", files.Sum(f => f.Entries.Sum(e => WeightFile.BytesOf(e, type))));
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach (var file in files)
        {
            foreach (var entry in file.Entries)
            {
                json.WriteString(WeightName.Published(entry.Name), file.Name);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
