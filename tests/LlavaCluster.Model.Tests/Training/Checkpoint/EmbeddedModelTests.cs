using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Training.Checkpoint;

/// <summary>The checkpoint that comes with the program.</summary>
public sealed class EmbeddedModelTests
{
    private static readonly string Folder = Path.Combine(GoldenFolder.Repository, "silo", "LlavaCluster.Silo", "models", "tiny");

    [Fact]
    public void Files_AllTogether_TakeAtMostTenMegabytes() =>
        Assert.InRange(new DirectoryInfo(Folder).EnumerateFiles().Sum(f => f.Length), 1_000_000, 10_000_000);

    [Fact]
    public void Files_OfAPublishedCheckpoint_AreAllThere() => Assert.Equal(
        [
            "README.md", "added_tokens.json", "chat_template.json", "config.json", "generation_config.json", "model.safetensors",
            "preprocessor_config.json", "processor_config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",
        ],
        Directory.EnumerateFiles(Folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));

    [Fact]
    public void Weights_ByTheConfig_AreAllThereAndFinite()
    {
        using var scope = NewDisposeScope();
        var config = LlavaConfigReader.Read(Folder);
        using var weights = new CheckpointWeights(Folder, config, CPU, ScalarType.Float32);
        weights.Check(WeightRoles.All);
        Assert.All(TensorCatalog.Of(config), e => Assert.True(scope.Own(weights.Read(e.Name, e.Shape)).isfinite().all().item<bool>(), e.Name));
    }

    [Fact]
    public void Tokenizer_WordOfAPicture_IsSpelled()
    {
        var tokenizer = TokenizerFiles.Load(Folder);
        var ids = tokenizer.EncodePlain(" TILE7", TextPosition.Continuation);

        Assert.Equal("TILE7".Length + 1, ids.Count);
        Assert.InRange(tokenizer.VocabularySize, 259, LlavaConfigReader.Read(Folder).Text.VocabularySize);
    }
}
