using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Core.Sessions;

/// <summary>Log entries as JSON.</summary>
internal static class TurnLogJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, // a log-probability may be −∞
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new ImageHashConverter(), new SampledTokenConverter(), new JsonStringEnumConverter() },
    };

    /// <summary>The entry's JSON: UTF-8, no line breaks.</summary>
    public static byte[] Write(TurnLogEntry entry) => JsonSerializer.SerializeToUtf8Bytes(entry, Options);

    /// <summary>The entry of this JSON.</summary>
    /// <exception cref="JsonException">Not an entry.</exception>
    public static TurnLogEntry Read(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize<TurnLogEntry>(json, Options) ?? throw new JsonException("null is not an entry.");

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

    /// <summary>A token as <c>[id, logprob, id, logprob, …]</c>: itself, then the most probable ones.</summary>
    private sealed class SampledTokenConverter : JsonConverter<SampledToken>
    {
        public override SampledToken Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                throw new JsonException("A token is an array.");
            }

            reader.Read();
            var (id, logProb) = ReadPair(ref reader);
            var top = new List<(int, float)>();
            while (reader.TokenType != JsonTokenType.EndArray)
            {
                top.Add(ReadPair(ref reader));
            }

            return new SampledToken(id, logProb, top);
        }

        public override void Write(Utf8JsonWriter writer, SampledToken value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            WritePair(writer, value.Id, value.LogProb);
            foreach (var (id, logProb) in value.Top)
            {
                WritePair(writer, id, logProb);
            }

            writer.WriteEndArray();
        }

        private static (int Id, float LogProb) ReadPair(ref Utf8JsonReader reader)
        {
            var id = reader.GetInt32();
            reader.Read();
            var logProb = reader.TokenType == JsonTokenType.String
                ? float.Parse(reader.GetString()!, CultureInfo.InvariantCulture)
                : reader.GetSingle();
            reader.Read();
            return (id, logProb);
        }

        private static void WritePair(Utf8JsonWriter writer, int id, float logProb)
        {
            writer.WriteNumberValue(id);
            if (float.IsFinite(logProb))
            {
                writer.WriteNumberValue(logProb);
            }
            else
            {
                // JSON has no number for it: a token that a rule forbids has probability 0.
                writer.WriteStringValue(logProb.ToString(CultureInfo.InvariantCulture));
            }
        }
    }
}
