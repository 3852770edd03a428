using System.Text.Json;

namespace LlavaCluster.Core.Checkpoint;

/// <summary><c>image_grid_pinpoints</c>: pairs of pixels, as a list or, in some original files, as the text of one.</summary>
internal static class PinpointList
{
    private const string Key = "image_grid_pinpoints";

    /// <summary>The pairs as written, or null when absent.</summary>
    public static IReadOnlyList<(int First, int Second)>? Find(ConfigObject config, int tileSide)
    {
        var taken = $"a list of pairs that are multiples of the tile's side, {tileSide}";
        if (config.Find(Key) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            try
            {
                value = JsonDocument.Parse(value.GetString()!.Replace('(', '[').Replace(')', ']')).RootElement;
            }
            catch (JsonException)
            {
                throw config.Refuse(Key, taken);
            }
        }

        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            throw config.Refuse(Key, taken);
        }

        return [.. value.EnumerateArray().Select(pair => Pair(pair, tileSide) ?? throw config.Refuse(Key, taken))];
    }

    /// <summary>The list as people write it.</summary>
    public static string Show(IEnumerable<(int First, int Second)> pinpoints) =>
        "[" + string.Join(", ", pinpoints.Select(p => $"[{p.First}, {p.Second}]")) + "]";

    private static (int, int)? Pair(JsonElement pair, int tileSide)
    {
        if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2)
        {
            return null;
        }

        return Side(pair[0], tileSide) is { } first && Side(pair[1], tileSide) is { } second ? (first, second) : null;
    }

    private static int? Side(JsonElement side, int tileSide) =>
        side.ValueKind == JsonValueKind.Number && side.TryGetInt32(out var pixels) && pixels > 0 && pixels % tileSide == 0
            && pixels <= 1 << 16
            ? pixels
            : null;
}
