using System.Text.Json;
using System.Text.Json.Serialization;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Sessions;

/// <summary>Log entries as lines of JSON.</summary>
internal static class TurnLogJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        IncludeFields = true, // tuples of the most probable tokens
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, // a log-probability may be −∞
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new ImageHashConverter(), new JsonStringEnumConverter() },
    };

    /// <summary>One line, with its end.</summary>
    public static byte[] Write(TurnLogEntry entry) => [.. JsonSerializer.SerializeToUtf8Bytes(entry, Options), (byte)'\n'];

    /// <summary>One line, without its end.</summary>
    /// <exception cref="JsonException">Not an entry.</exception>
    public static TurnLogEntry Read(ReadOnlySpan<byte> line) =>
        JsonSerializer.Deserialize<TurnLogEntry>(line, Options) ?? throw new JsonException("null is not an entry.");

    private sealed class ImageHashConverter : JsonConverter<ImageHash>
    {
        public override ImageHash Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            try
            {
                return new ImageHash(reader.GetString() ?? "");
            }
            catch (FormatException error)
            {
                throw new JsonException(error.Message, error);
            }
        }

        public override void Write(Utf8JsonWriter writer, ImageHash value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.Hex);
    }
}
