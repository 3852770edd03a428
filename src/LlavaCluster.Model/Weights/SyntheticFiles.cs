using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Model.Weights;

/// <summary>The files of a synthetic checkpoint beside its weights: configuration, and a tokenizer copied from another.</summary>
internal static class SyntheticFiles
{
    private static readonly string[] TokenizerFiles =
    [
        "tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "chat_template.json", "chat_template.jinja",
    ];

    /// <summary>Copies the tokenizer and writes the configuration.</summary>
    /// <param name="folder">An empty folder.</param>
    /// <param name="preset">The dimensions.</param>
    /// <param name="dtype">float16, bfloat16 or float32.</param>
    /// <param name="tokenizerFolder">Whose tokenizer and chat template to copy.</param>
    /// <exception cref="BadCheckpointException">That folder has no tokenizer, or one with more ids than the vocabulary.</exception>
    public static void Write(string folder, SyntheticPreset preset, string dtype, string tokenizerFolder)
    {
        var copied = TokenizerFiles.Where(f => File.Exists(Path.Combine(tokenizerFolder, f))).ToArray();
        if (!copied.Any(f => f is "tokenizer.model" or "tokenizer.json"))
        {
            throw new BadCheckpointException(
                $"{tokenizerFolder}: there is neither tokenizer.json nor tokenizer.model to copy. Name a folder with a tokenizer.");
        }

        foreach (var file in copied)
        {
            File.Copy(Path.Combine(tokenizerFolder, file), Path.Combine(folder, file));
        }

        var tokenizer = TokenizerIds.Read(tokenizerFolder);
        if (tokenizer.Count > preset.VocabularySize)
        {
            throw new BadCheckpointException(
                $"{tokenizerFolder}: the tokenizer has {tokenizer.Count:N0} ids, the vocabulary {preset.VocabularySize:N0}. "
                + "Take a larger vocabulary or a smaller tokenizer.");
        }

        ConfigurationFiles.Write(folder, preset, dtype, tokenizer.Image ?? preset.ImageTokenId);
    }
}
