using System.Text.Json.Nodes;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Inspection;

/// <summary>
/// One case of a case file: a conversation, its pictures, perhaps a template. Format: <c>tests/golden/README.md</c>.
/// </summary>
/// <param name="Name">Its name.</param>
/// <param name="Messages">The conversation.</param>
/// <param name="Images">Picture files, in the order of the image parts.</param>
/// <param name="Template">Name of the template; null: the checkpoint's.</param>
/// <param name="Source">The case as it stands in the file.</param>
internal sealed record InspectedCase(
    string Name, IReadOnlyList<ChatMessage> Messages, IReadOnlyList<string> Images, string? Template, JsonObject Source)
{
    /// <summary>Reads all cases of a file: an object with <c>cases</c>, or a plain array.</summary>
    /// <exception cref="UserErrorException">The file is not of this form.</exception>
    public static IReadOnlyList<InspectedCase> ReadAll(string file)
    {
        try
        {
            var root = JsonInput.Read(file);
            var cases = root is JsonObject whole ? whole["cases"] : root;
            return cases is JsonArray list
                ? [.. list.Select(node => Read(node!.AsObject()))]
                : throw new UserErrorException($"{file}: there is no array 'cases'.");
        }
        catch (Exception error) when (
            error is InvalidOperationException or FormatException or NullReferenceException or KeyNotFoundException)
        {
            throw new UserErrorException(
                $"{file}: a case is not of the form {{name, messages, images}}: {error.Message}", error);
        }
    }

    private static InspectedCase Read(JsonObject source) => new(
        Text(source, "name"),
        [.. Required(source, "messages").AsArray().Select(m => MessageJson.Read(m))],
        [.. (source["images"]?.AsArray() ?? []).Select(i => i!.GetValue<string>())],
        source["template"]?.GetValue<string>(),
        source);

    private static string Text(JsonObject node, string key) => Required(node, key).GetValue<string>();

    private static JsonNode Required(JsonObject node, string key) =>
        node[key] ?? throw new KeyNotFoundException($"'{key}' is missing");
}
