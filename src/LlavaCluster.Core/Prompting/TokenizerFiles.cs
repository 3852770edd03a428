using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Prompting.Tokenizing;

namespace LlavaCluster.Core.Prompting;

/// <summary>The tokenizer of a checkpoint folder.</summary>
public static class TokenizerFiles
{
    /// <summary>
    /// Reads the folder's tokenizer: tokenizer.json as it stands where there is one; else tokenizer.model by the rules of SentencePiece
    /// and of the slow Llama tokenizer that tokenizer_config.json configures.
    /// </summary>
    /// <exception cref="BadCheckpointException">Neither file is there, or one is damaged or has parts that are not known.</exception>
    public static ITokenizer Load(string folder)
    {
        var json = Path.Combine(folder, "tokenizer.json");
        var model = Path.Combine(folder, "tokenizer.model");
        var settings = TokenizerSettings.Read(folder);
        if (File.Exists(json))
        {
            return JsonTokenizerReader.Read(json, settings.AddedTokens);
        }

        return File.Exists(model)
            ? new SentencePieceTokenizer(SentencePieceModelReader.Read(model), settings)
            : throw new BadCheckpointException(
                $"{folder} has neither tokenizer.json nor tokenizer.model. Copy the tokenizer's files into the checkpoint folder.");
    }
}
