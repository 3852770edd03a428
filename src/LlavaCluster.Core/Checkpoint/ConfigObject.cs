using System.Text.Json;

namespace LlavaCluster.Core.Checkpoint;

/// <summary>One JSON object of a checkpoint's file, read by key. Every refusal names file, key, value and what is taken.</summary>
internal sealed class ConfigObject
{
    private readonly string _file;
    private readonly string _path;
    private readonly JsonElement _element;

    private ConfigObject(string file, string path, JsonElement element) => (_file, _path, _element) = (file, path, element);

    /// <summary>An object without keys in the place of one that is absent: every key takes its default.</summary>
    public ConfigObject Nothing(string key) => new(_file, Path(key), JsonDocument.Parse("{}").RootElement);

    /// <summary>Reads the file, or returns null when there is none.</summary>
    public static ConfigObject? TryRead(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            var root = JsonDocument.Parse(File.ReadAllBytes(file)).RootElement;
            return root.ValueKind == JsonValueKind.Object
                ? new ConfigObject(file, "", root)
                : throw new BadCheckpointException($"{file}: is a JSON {Kind(root)}; an object is needed.");
        }
        catch (JsonException e)
        {
            throw new BadCheckpointException($"{file}: not JSON: {e.Message}", e);
        }
    }

    /// <summary>The key is there, be its value null.</summary>
    public bool Has(string key) => _element.TryGetProperty(key, out _);

    /// <summary>The key is there and its value is not null.</summary>
    public bool HasValue(string key) => Find(key) is not null;

    /// <summary>The value as written, or null when absent or null.</summary>
    public JsonElement? Find(string key) =>
        _element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A whole number, or null when absent or null.</summary>
    public int? FindInt(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt32(out var number) => number,
        { ValueKind: JsonValueKind.Number } value
            when value.TryGetDouble(out var real) && real == Math.Floor(real) && Math.Abs(real) <= int.MaxValue => (int)real,
        _ => throw Refuse(key, "a whole number"),
    };

    /// <summary>A size: a whole number from 1 to <paramref name="most"/>.</summary>
    public int Size(string key, int otherwise, int most = 1 << 24)
    {
        var value = FindInt(key) ?? otherwise;
        return value >= 1 && value <= most ? value : throw Refuse(key, $"a whole number from 1 to {most:N0}");
    }

    /// <summary>A finite number above zero.</summary>
    public double Positive(string key, double otherwise)
    {
        if (Find(key) is not { } value)
        {
            return otherwise;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number > 0 && double.IsFinite(number)
            ? number
            : throw Refuse(key, "a number above 0");
    }

    /// <summary>true or false.</summary>
    public bool Flag(string key, bool otherwise) => Find(key) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw Refuse(key, "true or false"),
    };

    /// <summary>A text, or null when absent or null.</summary>
    public string? Text(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => value.GetString(),
        _ => throw Refuse(key, "a text"),
    };

    /// <summary>A text out of a list.</summary>
    public string OneOf(string key, string otherwise, params string[] taken)
    {
        var value = Text(key) ?? otherwise;
        return taken.Contains(value) ? value : throw Refuse(key, string.Join(" or ", taken.Select(t => $"\"{t}\"")));
    }

    /// <summary>Refuses the checkpoint when the key has a value other than <paramref name="only"/>.</summary>
    public void Only(string key, bool only)
    {
        if (Flag(key, only) != only)
        {
            throw Refuse(key, only ? "true" : "false");
        }
    }

    /// <summary>Whole numbers of a list, or the one number that stands in its place; null when absent.</summary>
    public IReadOnlyList<int>? FindInts(string key)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return [FindInt(key)!.Value];
        }

        var numbers = value.EnumerateArray()
            .Select(e => e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out var n) ? n : throw Refuse(key, "whole numbers"))
            .ToArray();
        return numbers.Length > 0 ? numbers : throw Refuse(key, "at least one whole number");
    }

    /// <summary>Texts of a list; empty when absent.</summary>
    public IReadOnlyList<string> Texts(string key) => Find(key) switch
    {
        { ValueKind: JsonValueKind.Array } list =>
            [.. list.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.String).Select(e => e.GetString()!)],
        _ => [],
    };

    /// <summary>The object under the key, or null when absent or null.</summary>
    public ConfigObject? Object(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => new ConfigObject(_file, Path(key), value),
        _ => throw Refuse(key, "an object"),
    };

    /// <summary>What to throw when the value of the key is not taken.</summary>
    public BadCheckpointException Refuse(string key, string taken) =>
        new(Find(key) is { } value
            ? $"{_file}: {Path(key)} is {Shorten(value.GetRawText())}; LlavaCluster takes {taken}."
            : $"{_file}: {Path(key)} is missing; LlavaCluster takes {taken}.");

    /// <summary>What to throw when values do not fit each other.</summary>
    public BadCheckpointException Refuse(string sentence) => new($"{_file}: {sentence}");

    /// <summary>The key with the keys that lead to it.</summary>
    public string Path(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    private static string Kind(JsonElement element) => element.ValueKind.ToString().ToLowerInvariant();

    private static string Shorten(string json)
    {
        var line = string.Join(' ', json.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= 120 ? line : line[..117] + "...";
    }
}
