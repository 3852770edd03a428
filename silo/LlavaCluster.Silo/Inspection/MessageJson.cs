using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaCluster.Core.Prompting;

namespace LlavaCluster.Silo.Inspection;

/// <summary>Messages of a conversation as JSON: <c>{"role", "content"}</c>, the content a text or an array of parts.</summary>
internal static class MessageJson
{
    /// <summary>Reads one.</summary>
    /// <exception cref="FormatException">It is of another form; the message says how.</exception>
    public static ChatMessage Read(JsonNode? node)
    {
        var message = node as JsonObject ?? throw new FormatException($"a message is {Kind(node)}; an object is needed");
        var role = Text(message, "role") switch
        {
            "system" => ChatRole.System,
            "user" => ChatRole.User,
            "assistant" => ChatRole.Assistant,
            var other => throw new FormatException($"role '{other}' is unknown; system, user and assistant are known"),
        };
        return message["content"] switch
        {
            JsonArray parts => new ChatMessage(role, [.. parts.Select(ReadPart)]),
            JsonValue value when value.GetValueKind() == JsonValueKind.String => ChatMessage.Of(role, value.GetValue<string>()),
            var other => throw new FormatException($"a message's 'content' is {Kind(other)}; a text or an array of parts is needed"),
        };
    }

    /// <summary>A field that must be a text.</summary>
    /// <exception cref="FormatException">It is not.</exception>
    public static string Text(JsonObject node, string key) =>
        node[key] is JsonValue value && value.GetValueKind() == JsonValueKind.String
            ? value.GetValue<string>()
            : throw new FormatException($"'{key}' is {Kind(node[key])}; a text is needed");

    /// <summary>What a value is, for a sentence.</summary>
    public static string Kind(JsonNode? node) => node?.GetValueKind() switch
    {
        null => "missing",
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        _ => "true or false",
    };

    private static ChatPart ReadPart(JsonNode? node)
    {
        var part = node as JsonObject ?? throw new FormatException($"a part is {Kind(node)}; an object is needed");
        return Text(part, "type") switch
        {
            "image" => new ChatPart.Image(),
            "text" => new ChatPart.Text(Text(part, "text")),
            var other => throw new FormatException($"a part of type '{other}' is unknown; image and text are known"),
        };
    }
}
