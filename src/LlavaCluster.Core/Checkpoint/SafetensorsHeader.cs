using System.Buffers.Binary;
using System.Text.Json;

namespace LlavaCluster.Core.Checkpoint;

/// <summary>
/// The header of a safetensors file: eight bytes of length (little endian), then JSON with type, shape and byte range of every
/// tensor. All of it is checked against the file's length before any tensor is read: ranges lie in the file, touch without gap
/// or overlap, and are as long as type and shape say.
/// Format: https://huggingface.co/docs/safetensors.
/// </summary>
public sealed class SafetensorsHeader
{
    /// <summary>The format's own limit.</summary>
    private const long MostBytes = 100_000_000;

    private SafetensorsHeader(string file, IReadOnlyDictionary<string, SafetensorsTensor> tensors) => (File, Tensors) = (file, tensors);

    /// <summary>Path of the file.</summary>
    public string File { get; }

    /// <summary>The tensors by their names in the file.</summary>
    public IReadOnlyDictionary<string, SafetensorsTensor> Tensors { get; }

    /// <summary>Reads and checks the header of a file.</summary>
    /// <exception cref="BadCheckpointException">The file is not a whole, correct safetensors file.</exception>
    public static SafetensorsHeader Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        return Read(file, stream);
    }

    /// <summary>Reads and checks the header at the start of a seekable stream.</summary>
    /// <param name="file">The name for messages.</param>
    /// <param name="stream">The whole file. Not disposed here.</param>
    /// <exception cref="BadCheckpointException">The bytes are not a whole, correct safetensors file.</exception>
    public static SafetensorsHeader Read(string file, Stream stream)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length < prefix.Length || stream.ReadAtLeast(prefix, prefix.Length, throwOnEndOfStream: false) < prefix.Length)
        {
            throw Bad(
                file, $"has {stream.Length} bytes; a safetensors file begins with 8 bytes of header length. It is truncated: fetch it again.");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MostBytes)
        {
            throw Bad(
                file, $"claims a header of {length:N0} bytes; safetensors files have at most {MostBytes:N0}. It is not a safetensors file.");
        }

        if ((long)length > stream.Length - prefix.Length)
        {
            throw Bad(
                file,
                $"claims a header of {length:N0} bytes, but has only {stream.Length - prefix.Length:N0} after the first 8. "
                + "It is truncated: fetch it again.");
        }

        var json = new byte[length];
        stream.ReadExactly(json);
        return new SafetensorsHeader(file, Parse(file, json, stream.Length - prefix.Length - (long)length, prefix.Length + (long)length));
    }

    private static Dictionary<string, SafetensorsTensor> Parse(string file, byte[] json, long dataLength, long dataStart)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Bad(file, "has a header that is no JSON object.");
            }

            var tensors = new Dictionary<string, SafetensorsTensor>();
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Name != "__metadata__" && !tensors.TryAdd(property.Name, Entry(file, property, dataStart)))
                {
                    throw Bad(file, $"lists tensor '{property.Name}' twice.");
                }
            }

            CheckRanges(file, tensors.Values, dataLength, dataStart);
            return tensors;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a name that is not valid UTF-16 once unescaped.
            throw new BadCheckpointException($"{file}: has a header that is not JSON: {e.Message}", e);
        }
    }

    private static SafetensorsTensor Entry(string file, JsonProperty property, long dataStart)
    {
        var (name, value) = (property.Name, property.Value);
        if (value.ValueKind != JsonValueKind.Object
            || !value.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out var shape) || Numbers(shape) is not { } sizes
            || !value.TryGetProperty("data_offsets", out var offsets) || Numbers(offsets) is not [var begin, var end])
        {
            throw Bad(
                file,
                $"tensor '{name}' needs dtype, shape and data_offsets of two whole numbers, 0 or more; the header has {Shorten(value)}.");
        }

        var type = dtype.GetString()!;
        if (!SafetensorsTensor.ElementSizes.TryGetValue(type, out var bytes))
        {
            throw Bad(file, $"tensor '{name}' has the unknown dtype \"{type}\". Known are {string.Join(", ", SafetensorsTensor.ElementSizes.Keys)}.");
        }

        if (begin > end || end > long.MaxValue - dataStart)
        {
            throw Bad(file, $"tensor '{name}' has the impossible byte range [{begin}, {end}).");
        }

        // UInt128 cannot overflow: each factor is below 2^63, and the product is capped at every step.
        UInt128 needed = (UInt128)bytes;
        foreach (var size in sizes)
        {
            needed = UInt128.Min(needed * (UInt128)size, (UInt128)1 << 64);
        }

        if (sizes.Contains(0))
        {
            needed = 0;
        }

        if (needed != (UInt128)(end - begin))
        {
            var takes = needed >= (UInt128)1 << 64 ? "more bytes than a file can have" : $"{needed} bytes";
            throw Bad(
                file,
                $"tensor '{name}' of shape {SafetensorsTensor.Show(sizes)} and dtype {type} takes {takes}, "
                + $"but its range [{begin}, {end}) has {end - begin}.");
        }

        return new SafetensorsTensor(name, type, sizes, dataStart + begin, end - begin);
    }

    /// <summary>In order of their starts, every range begins where the one before ended, and the last ends with the file.</summary>
    private static void CheckRanges(string file, IEnumerable<SafetensorsTensor> tensors, long dataLength, long dataStart)
    {
        var (reached, before) = (dataStart, "the header");
        foreach (var tensor in tensors.OrderBy(t => t.Offset).ThenBy(t => t.Length))
        {
            if (tensor.Offset < reached)
            {
                throw Bad(
                    file,
                    $"tensor '{tensor.Name}' begins at byte {tensor.Offset - dataStart} of the data, "
                    + $"but {before} ends at {reached - dataStart}: they overlap.");
            }

            if (tensor.Offset > reached)
            {
                throw Bad(
                    file,
                    $"tensor '{tensor.Name}' begins at byte {tensor.Offset - dataStart} of the data, "
                    + $"but {before} ends at {reached - dataStart}: the bytes between belong to no tensor.");
            }

            (reached, before) = (tensor.Offset + tensor.Length, $"tensor '{tensor.Name}'");
            if (reached - dataStart > dataLength)
            {
                throw Bad(
                    file,
                    $"{before} ends at byte {reached - dataStart:N0} of the data, but the file has only {dataLength:N0}. "
                    + "It is truncated: fetch it again.");
            }
        }

        if (reached - dataStart != dataLength)
        {
            throw Bad(file, $"has {dataLength:N0} bytes of data, but its tensors end at {reached - dataStart:N0}.");
        }
    }

    private static long[]? Numbers(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var numbers = new long[list.GetArrayLength()];
        var i = 0;
        foreach (var element in list.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt64(out numbers[i]) || numbers[i++] < 0)
            {
                return null;
            }
        }

        return numbers;
    }

    private static string Shorten(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 120 ? text : text[..117] + "...";
    }

    private static BadCheckpointException Bad(string file, string sentence) => new($"{file}: {sentence}");
}
