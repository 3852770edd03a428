using System.Text.Json;
using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Core.Prompting.Templates;

/// <summary>The chat template in a Hugging Face checkpoint folder. It is recognised, never run.</summary>
internal static class ChatTemplateFile
{
    /// <summary>Its text, or null when the folder has none.</summary>
    /// <exception cref="BadCheckpointException">A file that holds it is not JSON.</exception>
    public static string? Read(string folder)
    {
        var jinja = Path.Combine(folder, "chat_template.jinja");
        return File.Exists(jinja) ? File.ReadAllText(jinja)
            : ReadField(Path.Combine(folder, "chat_template.json"))
            ?? ReadField(Path.Combine(folder, "processor_config.json"))
            ?? ReadField(Path.Combine(folder, "tokenizer_config.json"));
    }

    /// <summary>The family that a template's text belongs to.</summary>
    /// <exception cref="BadCheckpointException">None of those known here.</exception>
    public static TemplateFamily Recognise(string text, string folder) =>
        text.Contains("[INST]", StringComparison.Ordinal) ? TemplateFamily.Mistral
        : text.Contains("<|im_start|>", StringComparison.Ordinal) ? TemplateFamily.ChatMl
        : text.Contains("USER", StringComparison.Ordinal) || text.Contains("upper", StringComparison.Ordinal) ? TemplateFamily.Vicuna
        : throw new BadCheckpointException(
            $"{folder} has a chat template of no known family: it has none of [INST], <|im_start|>, USER. "
            + $"Name the template to use instead: {string.Join(", ", ChatTemplate.Names)}.");

    private static string? ReadField(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("chat_template", out var template))
            {
                return null;
            }

            // A list has several by name, of which conversations use "default".
            return template.ValueKind == JsonValueKind.Array
                ? template.EnumerateArray().FirstOrDefault(t => t.GetProperty("name").GetString() == "default") is { ValueKind: JsonValueKind.Object } found
                    ? found.GetProperty("template").GetString()
                    : null
                : template.GetString();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new BadCheckpointException($"{file} does not hold a chat template as JSON: {e.Message}", e);
        }
    }
}
