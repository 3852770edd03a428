using System.Text.Json;
using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>
/// Reads a tokenizer.json. What it does not know it refuses by name: a step left out would give other ids without a word.
/// </summary>
internal sealed class JsonTokenizerReader
{
    private readonly string _file;

    private JsonTokenizerReader(string file) => _file = file;

    /// <summary>Reads the file.</summary>
    /// <param name="file">Path of the tokenizer.json.</param>
    /// <param name="more">Added tokens of the files beside it; those that tokenizer.json has are ignored.</param>
    /// <exception cref="BadCheckpointException">Not such a file, or a part of it is not known.</exception>
    public static JsonTokenizer Read(string file, IReadOnlyList<AddedToken> more)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            return new JsonTokenizer(new JsonTokenizerReader(file).ReadParts(json.RootElement, more));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new BadCheckpointException($"{file} is not a tokenizer.json: {e.Message}", e);
        }
    }

    private TokenizerParts ReadParts(JsonElement root, IReadOnlyList<AddedToken> more)
    {
        var added = ReadAddedTokens(root, more);
        var vocabulary = ReadVocabulary(root.GetProperty("model"));
        var size = Math.Max(vocabulary.Values.DefaultIfEmpty(-1).Max(), added.Select(t => t.Id).DefaultIfEmpty(-1).Max()) + 1;
        if (size > 10_000_000 || added.Any(t => t.Id < 0) || vocabulary.Values.Any(id => id < 0))
        {
            throw Refuse($"ids lie between 0 and 9,999,999, not past {size - 1:N0} or below 0");
        }

        var tokens = new string?[size];
        foreach (var (text, id) in vocabulary)
        {
            tokens[id] = text;
        }

        foreach (var token in added)
        {
            tokens[token.Id] = token.Text;
        }

        var (before, after) = new PostProcessorReader(Refuse).Read(Get(root, "post_processor"));
        return new TokenizerParts
        {
            Tokens = tokens,
            AddedTokens = added,
            Normalizer = ReadNormalizer(Get(root, "normalizer")).ToList(),
            PreTokenizer = ReadPreTokenizer(Get(root, "pre_tokenizer")),
            Model = BpeModelReader.Read(root.GetProperty("model"), vocabulary, added.Select(t => t.Id).ToHashSet(), Refuse),
            WholePieces = GetFlag(root.GetProperty("model"), "ignore_merges", false) ? WithoutAdded(vocabulary, added) : null,
            Before = before,
            After = after,
            Decoder = new DecodePlan(new DecoderReader(Refuse).Read(Get(root, "decoder"))),
        };
    }

    private static Dictionary<string, int> WithoutAdded(Dictionary<string, int> vocabulary, List<AddedToken> added)
    {
        var ids = added.Select(t => t.Id).ToHashSet();
        return vocabulary.Where(v => !ids.Contains(v.Value)).ToDictionary();
    }

    private static List<AddedToken> ReadAddedTokens(JsonElement root, IReadOnlyList<AddedToken> more)
    {
        var tokens = new List<AddedToken>();
        if (Get(root, "added_tokens") is { } list)
        {
            tokens.AddRange(list.EnumerateArray().Select(t => ReadAddedToken(t, t.GetProperty("id").GetInt32())));
        }

        return [.. tokens.Concat(more).DistinctBy(t => t.Text)];
    }

    /// <summary>An added token as tokenizer.json and tokenizer_config.json both write it.</summary>
    public static AddedToken ReadAddedToken(JsonElement token, int id) => new(
        id,
        GetText(token, "content"),
        GetFlag(token, "special", false),
        GetFlag(token, "normalized", false),
        GetFlag(token, "lstrip", false),
        GetFlag(token, "rstrip", false),
        GetFlag(token, "single_word", false));

    private Dictionary<string, int> ReadVocabulary(JsonElement model)
    {
        var type = Get(model, "type")?.GetString() ?? "BPE";
        if (type != "BPE")
        {
            throw Refuse($"a model of type {type} is not known; this program reads BPE");
        }

        var vocabulary = new Dictionary<string, int>();
        foreach (var entry in model.GetProperty("vocab").EnumerateObject())
        {
            vocabulary[entry.Name] = entry.Value.GetInt32();
        }

        return vocabulary;
    }

    private IEnumerable<TextStep> ReadNormalizer(JsonElement? normalizer)
    {
        if (normalizer is not { } json)
        {
            return [];
        }

        var type = json.GetProperty("type").GetString();
        return type switch
        {
            "Sequence" => json.GetProperty("normalizers").EnumerateArray().SelectMany(n => ReadNormalizer(n)),
            "Prepend" => [new TextStep.Prepend(GetText(json, "prepend"))],
            "Replace" => [new TextStep.Replace(ReadPattern(json, Refuse), GetText(json, "content"))],
            "Strip" => [new TextStep.Strip(GetFlag(json, "strip_left", true), GetFlag(json, "strip_right", true))],
            _ => throw Refuse($"a normalizer of type {type} is not known; this program reads Sequence, Prepend, Replace and Strip"),
        };
    }

    private Metaspace? ReadPreTokenizer(JsonElement? preTokenizer)
    {
        if (preTokenizer is not { } json)
        {
            return null;
        }

        var type = json.GetProperty("type").GetString();
        if (type == "Sequence" && json.GetProperty("pretokenizers").GetArrayLength() <= 1)
        {
            return ReadPreTokenizer(json.GetProperty("pretokenizers").EnumerateArray().Select(p => (JsonElement?)p).SingleOrDefault());
        }

        if (type != "Metaspace")
        {
            throw Refuse($"a pre_tokenizer of type {type} is not known; this program reads Metaspace");
        }

        return new Metaspace(
            ReadCharacter(json, "replacement", '▁', Refuse), ReadScheme(json, Refuse), GetFlag(json, "split", true));
    }

    /// <summary>Prefix scheme of a Metaspace; older files have a flag in its place.</summary>
    public static PrefixScheme ReadScheme(JsonElement json, Func<string, Exception> refuse)
    {
        var scheme = Get(json, "prepend_scheme")?.GetString() ?? (GetFlag(json, "add_prefix_space", true) ? "always" : "never");
        return scheme switch
        {
            "always" => PrefixScheme.Always,
            "first" => PrefixScheme.First,
            "never" => PrefixScheme.Never,
            _ => throw refuse($"a prepend_scheme {scheme} is not known; it is always, first or never"),
        };
    }

    /// <summary>The text of a pattern; regular expressions are not read.</summary>
    public static string ReadPattern(JsonElement json, Func<string, Exception> refuse)
    {
        var pattern = json.GetProperty("pattern");
        return pattern.TryGetProperty("String", out var text) && text.GetString() is { Length: > 0 } found
            ? found
            : throw refuse($"a Replace of {pattern.GetRawText()} is not known; this program reads {{\"String\": \"text\"}}");
    }

    /// <summary>A field of one character.</summary>
    public static char ReadCharacter(JsonElement json, string name, char absent, Func<string, Exception> refuse)
    {
        var text = Get(json, name)?.GetString() ?? absent.ToString();
        return text.Length == 1 ? text[0] : throw refuse($"{name} \"{text}\" is not one character");
    }

    /// <summary>A field, or null when it is absent or null.</summary>
    public static JsonElement? Get(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A field that must be a text.</summary>
    public static string GetText(JsonElement json, string name) =>
        json.GetProperty(name).GetString() ?? throw new FormatException($"\"{name}\" is null where a text is due");

    /// <summary>A field that is true or false.</summary>
    public static bool GetFlag(JsonElement json, string name, bool absent) => Get(json, name)?.GetBoolean() ?? absent;

    private BadCheckpointException Refuse(string what) => new($"{_file}: {what}.");
}
