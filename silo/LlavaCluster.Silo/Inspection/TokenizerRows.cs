using System.Text.Json.Nodes;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Inspection;

/// <summary>What a tokenizer makes of texts, from its files alone.</summary>
internal static class TokenizerRows
{
    /// <summary>One row per text of the file: an object with <c>rows[].text</c>, or a plain array of strings.</summary>
    /// <exception cref="UserErrorException">The file is not of this form.</exception>
    public static JsonObject Of(ITokenizer tokenizer, string file)
    {
        var root = JsonInput.Read(file);
        var rows = root is JsonObject whole ? whole["rows"] : root;
        try
        {
            return rows is JsonArray list
                ? new JsonObject { ["rows"] = new JsonArray([.. list.Select(row => Row(tokenizer, TextOf(row!)))]) }
                : throw new UserErrorException($"{file}: there is neither an array 'rows' nor an array of strings.");
        }
        catch (InvalidOperationException error)
        {
            throw new UserErrorException($"{file}: a row has no text: {error.Message}", error);
        }
    }

    private static string TextOf(JsonNode row) =>
        (row is JsonObject named ? named["text"] : row)?.GetValue<string>() ?? throw new InvalidOperationException(
            "'text' is missing.");

    private static JsonObject Row(ITokenizer tokenizer, string text)
    {
        var ids = tokenizer.Encode(text, bos: true);
        return new JsonObject
        {
            ["text"] = text,
            ["ids"] = Numbers(ids),
            ["ids_without_bos"] = Numbers(tokenizer.Encode(text, bos: false)),
            ["decoded"] = tokenizer.Decode(ids, skipSpecial: false),
            ["decoded_skip_special"] = tokenizer.Decode(ids, skipSpecial: true),
        };
    }

    private static JsonArray Numbers(IEnumerable<int> ids) => [.. ids.Select(id => JsonValue.Create(id))];
}
