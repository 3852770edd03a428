using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;
using LlavaCluster.Training.Checkpoint;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Training.Checkpoint;

public sealed class CheckpointWriterTests : IDisposable
{
    private static readonly TinyShape Small = new()
    {
        TowerHidden = 24,
        TowerHeads = 2,
        TowerLayers = 2,
        TowerMlp = 48,
        Hidden = 16,
        Heads = 2,
        Layers = 1,
        Mlp = 32,
        Vocabulary = 400,
    };

    private static readonly BpeVocabulary Vocabulary = BpeTrainer.Train(SampleLines.All, 400);

    private readonly string _folder = Directory.CreateTempSubdirectory("checkpoint-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_DefaultShape_TakesAtMostTenMegabytes()
    {
        using var scope = NewDisposeScope();
        var shape = new TinyShape();
        CheckpointWriter.Write(At("tiny"), shape, BpeTrainer.Train(SampleLines.All, shape.Vocabulary), Weights(shape, scope));

        // 50 kB are left for the model card.
        Assert.InRange(new DirectoryInfo(At("tiny")).EnumerateFiles().Sum(f => f.Length), 9_000_000, 9_950_000);
    }

    [Fact]
    public void Write_AnyWeights_LoadsWithTheSameValuesInHalfPrecision()
    {
        using var scope = NewDisposeScope();
        var weights = Weights(Small, scope);
        CheckpointWriter.Write(At("a"), Small, Vocabulary, weights);

        var config = LlavaConfigReader.Read(At("a"));
        using var read = new CheckpointWeights(At("a"), config, CPU, ScalarType.Float32);
        read.Check(WeightRoles.All);
        foreach (var entry in TensorCatalog.Of(config))
        {
            var stored = weights[entry.Name].to(ScalarType.Float16).to(ScalarType.Float32);
            Assert.True(scope.Own(read.Read(entry.Name, entry.Shape)).eq(stored).all().item<bool>(), entry.Name);
        }
    }

    [Fact]
    public void Write_Shape_IsWhatTheReaderMakesOfIt()
    {
        CheckpointWriter.WriteFiles(_folder, Small, Vocabulary);
        var config = LlavaConfigReader.Read(_folder);

        Assert.Equal((24, 2, 2, 48, 112, 14), (config.Vision.Hidden, config.Vision.Heads, config.Vision.Layers, config.Vision.Intermediate,
            config.Vision.ImageSide, config.Vision.PatchSide));
        Assert.Equal((16, 2, 2, 1, 32, 400, 2048), (config.Text.Hidden, config.Text.Heads, config.Text.KvHeads, config.Text.Layers,
            config.Text.Intermediate, config.Text.VocabularySize, config.Text.MaxPositions));

        // hidden_states[-1] of CLIP is what the last layer gives, before post_layernorm.
        Assert.Equal(2, config.Vision.LayersUsed);
        Assert.Equal("quick_gelu", config.Vision.Activation);
        Assert.Equal([(112, 224), (224, 112), (224, 224), (336, 112), (112, 336)], config.Images.Pinpoints);
        Assert.Equal((398, "float16", false), (config.ImageTokenId, config.StoredType, config.Text.TieEmbeddings));
        Assert.Equal([2], config.EosIds);
        Assert.Equal("vicuna-hf", ChatTemplate.Choose(_folder, config, TokenizerFiles.Load(_folder)).Name);
    }

    [Fact]
    public void Write_Names_AreThoseThatTransformersWrites()
    {
        using var scope = NewDisposeScope();
        CheckpointWriter.Write(At("a"), Small with { TowerLayers = 4, Layers = 3 }, Vocabulary, Weights(Small with { TowerLayers = 4, Layers = 3 }, scope));

        // The golden checkpoint has as many layers, and was written by transformers itself.
        Assert.Equal(Names(GoldenFolder.Of("checkpoints", "vicuna")), Names(At("a")));

        static IEnumerable<string> Names(string folder) => CheckpointFolder.Open(folder).Tensors.Select(t => t.Tensor.Name).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void Write_FilesOfAnotherFolder_AreCopied()
    {
        using var scope = NewDisposeScope();
        CheckpointWriter.WriteFiles(_folder, Small, Vocabulary);
        CheckpointWriter.Write(At("a"), _folder, Weights(Small, scope));

        Assert.Equal(
            Directory.GetFiles(_folder).Select(f => Path.GetFileName(f)).Append("model.safetensors").Order(),
            Directory.GetFiles(At("a")).Select(f => Path.GetFileName(f)).Order());
    }

    [Fact]
    public void Write_UnusedLeftOut_IsFilledIn()
    {
        using var scope = NewDisposeScope();
        var weights = Weights(Small, scope);
        weights.Remove("vision_tower.post_layernorm.weight");
        weights.Remove("vision_tower.post_layernorm.bias");
        CheckpointWriter.Write(At("a"), Small, Vocabulary, weights);

        using var read = new CheckpointWeights(At("a"), LlavaConfigReader.Read(At("a")), CPU, ScalarType.Float32);
        Assert.True(scope.Own(read.Read("vision_tower.post_layernorm.weight", [24])).eq(1).all().item<bool>());
        Assert.True(scope.Own(read.Read("vision_tower.post_layernorm.bias", [24])).eq(0).all().item<bool>());
    }

    [Fact]
    public void Write_WrongTensors_AreAllTold()
    {
        using var scope = NewDisposeScope();
        var weights = Weights(Small, scope);
        weights.Remove("image_newline");
        weights["head"] = zeros(1);
        weights["language_model.norm.weight"] = zeros(3);

        var thrown = Assert.Throws<BadCheckpointException>(() => CheckpointWriter.Write(At("a"), Small, Vocabulary, weights));

        Assert.Equal(
            "The weights do not fit the config: image_newline is missing; head is unknown; language_model.norm.weight is [3], not [16].",
            thrown.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public void Write_ValueBeyondHalfPrecision_IsRefused()
    {
        using var scope = NewDisposeScope();
        var weights = Weights(Small, scope);
        weights["image_newline"] = full([16], 1e5f);

        var thrown = Assert.Throws<BadCheckpointException>(() => CheckpointWriter.Write(At("a"), Small, Vocabulary, weights));

        Assert.Equal("Tensor image_newline has values that float16 cannot hold: its largest is 1E+05.", thrown.Message);
    }

    [Fact]
    public void WriteFiles_TokenizerLargerThanTheEmbedding_IsRefused()
    {
        var thrown = Assert.Throws<BadCheckpointException>(() => CheckpointWriter.WriteFiles(_folder, Small with { Vocabulary = 390 }, Vocabulary));
        Assert.Equal("The tokenizer has 400 ids, the embedding 390 rows. Take a smaller tokenizer or more rows.", thrown.Message);
    }

    private Dictionary<string, Tensor> Weights(TinyShape shape, DisposeScope scope)
    {
        var files = Directory.CreateDirectory(At("files")).FullName;
        CheckpointWriter.WriteFiles(files, shape, Vocabulary);
        var weights = new InitialWeights(LlavaConfigReader.Read(files), seed: 1).ReadAll();
        Directory.Delete(files, recursive: true);
        scope.Attach(weights.Values);
        return weights;
    }

    private string At(string name) => Path.Combine(_folder, name);
}
