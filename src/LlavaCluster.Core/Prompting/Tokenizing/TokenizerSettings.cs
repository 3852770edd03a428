using System.Text.Json;
using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// What the files beside a tokenizer say: tokenizer_config.json, special_tokens_map.json, added_tokens.json. Absent files and fields
/// have the defaults of transformers' LlamaTokenizer.
/// </summary>
internal sealed record TokenizerSettings
{
    private static readonly string[] Names = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    /// <summary>BOS is put before a text.</summary>
    public bool AddBos { get; init; } = true;

    /// <summary>EOS is put after a text.</summary>
    public bool AddEos { get; init; }

    /// <summary>The older behaviour of the slow tokenizer: SentencePiece adds its prefix to every stretch of text.</summary>
    public bool Legacy { get; init; } = true;

    /// <summary>A prefix mark before a text, in the newer behaviour.</summary>
    public bool AddPrefixSpace { get; init; } = true;

    /// <summary>Added tokens with their ids.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    /// <summary>The tokens that have a role ("bos_token" …), by role.</summary>
    public IReadOnlyDictionary<string, string> Roles { get; init; } =
        new Dictionary<string, string> { ["bos_token"] = "<s>", ["eos_token"] = "</s>", ["unk_token"] = "<unk>" };

    /// <summary>Further special tokens without a role.</summary>
    public IReadOnlyList<string> Additional { get; init; } = [];

    /// <summary>Reads the files that are there.</summary>
    /// <exception cref="BadCheckpointException">One of them is not the JSON that it should be.</exception>
    public static TokenizerSettings Read(string folder)
    {
        using var config = Open(folder, "tokenizer_config.json");
        using var map = Open(folder, "special_tokens_map.json");
        using var added = Open(folder, "added_tokens.json");
        try
        {
            return Read(config?.RootElement, map?.RootElement, added?.RootElement);
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new BadCheckpointException(
                $"{folder}: tokenizer_config.json, special_tokens_map.json or added_tokens.json has a field of another type than expected: {e.Message}", e);
        }
    }

    private static TokenizerSettings Read(JsonElement? config, JsonElement? map, JsonElement? added)
    {
        var defaults = new TokenizerSettings();
        var roles = new Dictionary<string, string>(defaults.Roles);
        var additional = new List<string>();

        // transformers reads the map last, and only where the config does not list its added tokens.
        var decoder = config is { } c && c.TryGetProperty("added_tokens_decoder", out var found) ? found : (JsonElement?)null;
        foreach (var source in new[] { config, decoder is null ? map : null }.OfType<JsonElement>())
        {
            foreach (var name in Names.Where(n => source.TryGetProperty(n, out _)))
            {
                roles.Remove(name);
                if (TextOf(source.GetProperty(name)) is { } text)
                {
                    roles[name] = text;
                }
            }

            if (JsonTokenizerReader.Get(source, "additional_special_tokens") is { } list)
            {
                additional = [.. list.EnumerateArray().Select(TextOf).OfType<string>()];
            }
        }

        var special = roles.Values.Concat(additional).ToHashSet();
        return new TokenizerSettings
        {
            AddBos = Flag(config, "add_bos_token", defaults.AddBos),
            AddEos = Flag(config, "add_eos_token", defaults.AddEos),
            Legacy = Flag(config, "legacy", defaults.Legacy),
            AddPrefixSpace = Flag(config, "add_prefix_space", defaults.AddPrefixSpace),
            AddedTokens = [.. AddedTokensOf(decoder, added, special).DistinctBy(t => t.Text)],
            Roles = roles,
            Additional = additional,
        };
    }

    private static IEnumerable<AddedToken> AddedTokensOf(JsonElement? decoder, JsonElement? added, HashSet<string> special)
    {
        foreach (var entry in decoder?.EnumerateObject().ToList() ?? [])
        {
            yield return JsonTokenizerReader.ReadAddedToken(entry.Value, int.Parse(entry.Name, System.Globalization.CultureInfo.InvariantCulture));
        }

        foreach (var entry in added?.EnumerateObject().ToList() ?? [])
        {
            yield return new AddedToken(entry.Value.GetInt32(), entry.Name, special.Contains(entry.Name));
        }
    }

    private static bool Flag(JsonElement? json, string name, bool absent) =>
        json is { } found ? JsonTokenizerReader.GetFlag(found, name, absent) : absent;

    /// <summary>A token is written as its text or as an object with the text in it.</summary>
    private static string? TextOf(JsonElement token) => token.ValueKind switch
    {
        JsonValueKind.String => token.GetString(),
        JsonValueKind.Object => token.GetProperty("content").GetString(),
        _ => null,
    };

    private static JsonDocument? Open(string folder, string name)
    {
        var file = Path.Combine(folder, name);
        try
        {
            return File.Exists(file) ? JsonDocument.Parse(File.ReadAllBytes(file)) : null;
        }
        catch (JsonException e)
        {
            throw new BadCheckpointException($"{file} is not JSON: {e.Message}", e);
        }
    }
}
