using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlavaCluster.Tests;

/// <summary>The tensors of a golden safetensors file, as plain arrays.</summary>
internal sealed class GoldenTensors
{
    private readonly byte[] _file;
    private readonly JsonElement _header;
    private readonly int _data;

    /// <summary>Reads the file, named by its parts below <c>tests/golden</c>.</summary>
    public GoldenTensors(params string[] parts)
    {
        _file = File.ReadAllBytes(GoldenFolder.Of(parts));
        var length = (int)BitConverter.ToInt64(_file);
        _header = JsonDocument.Parse(_file.AsMemory(8, length)).RootElement;
        _data = 8 + length;
    }

    /// <summary>The file has such a tensor.</summary>
    public bool Has(string name) => _header.TryGetProperty(name, out _);

    /// <summary>Sizes, outermost first.</summary>
    public long[] Shape(string name) => [.. _header.GetProperty(name).GetProperty("shape").EnumerateArray().Select(e => e.GetInt64())];

    /// <summary>Numbers of a tensor stored as F32.</summary>
    public float[] Floats(string name) => MemoryMarshal.Cast<byte, float>(Bytes(name, "F32")).ToArray();

    /// <summary>Numbers of a tensor stored as I64.</summary>
    public long[] Longs(string name) => MemoryMarshal.Cast<byte, long>(Bytes(name, "I64")).ToArray();

    private ReadOnlySpan<byte> Bytes(string name, string type)
    {
        var entry = _header.GetProperty(name);
        if (entry.GetProperty("dtype").GetString() != type)
        {
            throw new InvalidDataException($"{name} is not {type}.");
        }

        var offsets = entry.GetProperty("data_offsets");
        var start = _data + offsets[0].GetInt32();
        return _file.AsSpan(start, _data + offsets[1].GetInt32() - start);
    }
}
