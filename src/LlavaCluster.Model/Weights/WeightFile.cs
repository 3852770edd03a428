using System.Buffers.Binary;
using System.Text.Json;
using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Model.Weights;

/// <summary>One safetensors file to be written: its tensors, one after the other.</summary>
internal sealed class WeightFile
{
    /// <summary>Published checkpoints are cut so (decimal gigabytes).</summary>
    private const long MostBytes = 5_000_000_000;

    private WeightFile(string name, string type, IReadOnlyList<CatalogEntry> entries)
    {
        (Name, Entries) = (name, entries);
        Header = HeaderOf(type, entries);
        Length = Header.Length + entries.Sum(e => BytesOf(e, type));
    }

    /// <summary>File name.</summary>
    public string Name { get; }

    /// <summary>Tensors in the order of their bytes.</summary>
    public IReadOnlyList<CatalogEntry> Entries { get; }

    /// <summary>Length and JSON, padded to 8 bytes.</summary>
    public byte[] Header { get; }

    /// <summary>Bytes of the whole file.</summary>
    public long Length { get; }

    /// <summary>Cuts a checkpoint into files of at most 5 GB (a larger tensor has its own).</summary>
    public static IReadOnlyList<WeightFile> Cut(IReadOnlyList<CatalogEntry> catalog, string type)
    {
        var groups = new List<List<CatalogEntry>>();
        var filled = long.MaxValue;
        foreach (var entry in catalog)
        {
            var bytes = BytesOf(entry, type);
            if (filled > MostBytes - bytes)
            {
                groups.Add([]);
                filled = 0;
            }

            groups[^1].Add(entry);
            filled += bytes;
        }

        return groups.Count == 1
            ? [new WeightFile("model.safetensors", type, groups[0])]
            : [.. groups.Select((g, i) => new WeightFile($"model-{i + 1:D5}-of-{groups.Count:D5}.safetensors", type, g))];
    }

    /// <summary>Bytes of a tensor.</summary>
    public static long BytesOf(CatalogEntry entry, string type) =>
        entry.Shape.Aggregate((long)SafetensorsTensor.ElementSizes[type], (product, size) => checked(product * size));

    private static byte[] HeaderOf(string type, IReadOnlyList<CatalogEntry> entries)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            long begin = 0;
            foreach (var entry in entries)
            {
                var end = begin + BytesOf(entry, type);
                json.WriteStartObject(WeightName.Published(entry.Name));
                json.WriteString("dtype", type);
                WriteNumbers(json, "shape", entry.Shape);
                WriteNumbers(json, "data_offsets", [begin, end]);
                json.WriteEndObject();
                begin = end;
            }

            json.WriteEndObject();
        }

        // The format pads the JSON with spaces, so that the tensors begin at a multiple of 8.
        var padded = (int)((buffer.Length + 7) / 8 * 8);
        var header = new byte[8 + padded];
        BinaryPrimitives.WriteInt64LittleEndian(header, padded);
        header.AsSpan(8).Fill((byte)' ');
        buffer.ToArray().CopyTo(header, 8);
        return header;
    }

    private static void WriteNumbers(Utf8JsonWriter json, string key, IEnumerable<long> numbers)
    {
        json.WriteStartArray(key);
        foreach (var number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }
}
