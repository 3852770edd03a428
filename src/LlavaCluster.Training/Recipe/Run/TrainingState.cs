using System.Buffers.Binary;
using System.Text.Json;
using LlavaCluster.Training.Recipe.Optimizing;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Run;

/// <summary>Where a run stands.</summary>
internal sealed record TrainingPlace
{
    /// <summary>Seed of the run.</summary>
    public ulong Seed { get; init; }

    /// <summary>Phase of the plan, from 0; the number of phases when all are done.</summary>
    public int Phase { get; init; }

    /// <summary>Steps of the phase that are done.</summary>
    public int Step { get; init; }

    /// <summary>Seconds that each phase has trained, by its name.</summary>
    public SortedDictionary<string, double> Seconds { get; init; } = new(StringComparer.Ordinal);
}

/// <summary>
/// The state of a run in one file, in the safetensors form: originals and moments of every weight by name in float32, the place in the
/// header. What chance decides follows from seed and step, so that this is all there is to resume from.
/// </summary>
internal static class TrainingState
{
    private const string PlaceKey = "place";

    /// <summary>Writes the file; it is the old one or the new one, never half of one.</summary>
    public static void Save(string path, TrainingPlace place, MasterWeights masters)
    {
        var partial = path + ".partial";
        using (var file = File.Create(partial))
        {
            file.Write(Header(place, masters));
            foreach (var row in Rows(masters))
            {
                file.Write(row.Values.bytes);
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(partial, path, overwrite: true);
    }

    /// <summary>Reads the file into the originals and moments. Weights that it does not have, or has in another shape, stay as they are.</summary>
    /// <exception cref="TrainException">The file is damaged.</exception>
    public static TrainingPlace Load(string path, MasterWeights masters)
    {
        try
        {
            using var file = File.OpenRead(path);
            var length = new byte[8];
            file.ReadExactly(length);
            var header = new byte[BinaryPrimitives.ReadInt64LittleEndian(length)];
            file.ReadExactly(header);
            using var json = JsonDocument.Parse(header);
            var start = 8 + header.Length;
            using var scope = NewDisposeScope();
            foreach (var (name, row) in Rows(masters))
            {
                foreach (var weight in masters.Weights)
                {
                    if (json.RootElement.TryGetProperty(name + weight.Name, out var entry))
                    {
                        Read(file, start, entry, masters.Of(row, weight));
                    }
                }
            }

            return json.RootElement.GetProperty("__metadata__").GetProperty(PlaceKey).GetString() is { } place
                && JsonSerializer.Deserialize<TrainingPlace>(place) is { } read
                ? read
                : throw new JsonException("it does not say where the run stands");
        }
        catch (Exception e) when (e is JsonException or EndOfStreamException or KeyNotFoundException or OverflowException)
        {
            throw new TrainException($"{path} is damaged ({e.Message}). Begin again in another folder, or put a whole copy there.", e);
        }
    }

    private static (string Name, Tensor Values)[] Rows(MasterWeights masters) =>
        [("", masters.Values), ("first.", masters.First), ("second.", masters.Second)];

    private static void Read(FileStream file, long start, JsonElement entry, Tensor target)
    {
        var shape = entry.GetProperty("shape").EnumerateArray().Select(n => n.GetInt64()).ToArray();
        if (shape.SequenceEqual(target.shape))
        {
            file.Position = start + entry.GetProperty("data_offsets")[0].GetInt64();
            file.ReadExactly(target.bytes);
        }
    }

    private static byte[] Header(TrainingPlace place, MasterWeights masters)
    {
        using var buffer = new MemoryStream();
        buffer.Write(new byte[8]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString(PlaceKey, JsonSerializer.Serialize(place));
            json.WriteEndObject();
            long begin = 0;
            foreach (var (name, _) in Rows(masters))
            {
                foreach (var weight in masters.Weights)
                {
                    json.WriteStartObject(name + weight.Name);
                    json.WriteString("dtype", "F32");
                    Write(json, "shape", weight.Live.shape);
                    Write(json, "data_offsets", [begin, begin + (4 * weight.Count)]);
                    json.WriteEndObject();
                    begin += 4 * weight.Count;
                }
            }

            json.WriteEndObject();
        }

        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        var header = buffer.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        return header;
    }

    private static void Write(Utf8JsonWriter json, string key, long[] numbers)
    {
        json.WriteStartArray(key);
        foreach (var number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }
}
