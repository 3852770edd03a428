using System.Runtime.InteropServices;
using System.Text;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Weights;

public sealed class CheckpointWeightsTests
{
    public static TheoryData<string> Golden => ["vicuna", "mistral", "yi", "llava15", "vicuna-original", "mistral-original"];

    [Theory]
    [MemberData(nameof(Golden))]
    public void Read_EveryTensorOfAGoldenCheckpoint_HasTheBytesOfTheFile(string checkpoint)
    {
        var folder = GoldenFolder.Of("checkpoints", checkpoint);
        var config = LlavaConfigReader.Read(folder);
        var stored = checkpoint.StartsWith("mistral", StringComparison.Ordinal) ? ScalarType.BFloat16 : ScalarType.Float16;
        var map = new WeightMap(CheckpointFolder.Open(folder), config);
        using var weights = new CheckpointWeights(folder, config, CPU, stored);
        weights.Check(WeightRoles.All);

        foreach (var entry in TensorCatalog.Of(config))
        {
            using var tensor = weights.Read(entry.Name, entry.Shape);
            var place = map.Find(entry.Name)!;
            var expected = File.ReadAllBytes(place.File).AsSpan((int)place.Tensor.Offset, (int)place.Tensor.Length);
            Assert.Equal(entry.Shape, tensor.shape);
            Assert.True(expected.SequenceEqual(tensor.bytes), entry.Name);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Read_IntoAnyComputeType_EqualsTheStoredValuesConverted(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var folder = GoldenFolder.Of("checkpoints", "vicuna");
        var config = LlavaConfigReader.Read(folder);
        using var stored = new CheckpointWeights(folder, config, CPU, ScalarType.Float16);
        using var weights = new CheckpointWeights(folder, config, CPU, dtype);

        var tensor = weights.Read("language_model.layers.1.mlp.down_proj.weight", [64, 176]);

        Assert.Equal(dtype, tensor.dtype);
        Assert.True(tensor.equal(stored.Read("language_model.layers.1.mlp.down_proj.weight", [64, 176]).to(dtype)).all().item<bool>());
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.Float32)]
    public void Read_SlicesOfAllRanks_JoinToTheWhole(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var folder = GoldenFolder.Of("checkpoints", "yi");
        var config = LlavaConfigReader.Read(folder);
        using var weights = new CheckpointWeights(folder, config, CPU, dtype);
        var plans = Enumerable.Range(0, 7).Select(rank => new ShardPlan(config.Text, rank, 7)).ToArray();

        foreach (var entry in TensorCatalog.Of(config))
        {
            if (plans[0].SliceOf(entry.Name) is not { } first || entry.Name.Contains("k_proj") || entry.Name.Contains("v_proj"))
            {
                continue;
            }

            var parts = plans.Select(p => weights.Read(entry.Name, entry.Shape, p.SliceOf(entry.Name))).ToArray();
            var whole = weights.Read(entry.Name, entry.Shape);
            Assert.True(cat(parts, first.Dimension).equal(whole).all().item<bool>(), entry.Name);
        }
    }

    [Fact]
    public void Read_InsideADisposeScope_OutlivesIt()
    {
        var folder = GoldenFolder.Of("checkpoints", "vicuna");
        using var weights = new CheckpointWeights(folder, LlavaConfigReader.Read(folder), CPU, ScalarType.Float32);
        Tensor tensor;
        using (NewDisposeScope())
        {
            tensor = weights.Read("image_newline", [64]);
        }

        using (tensor)
        {
            Assert.False(tensor.IsInvalid);
            Assert.False(tensor.requires_grad);
        }
    }

    [Fact]
    public void Read_WithProgress_EndsAtTheTotalOfTheParts()
    {
        var folder = GoldenFolder.Of("checkpoints", "yi");
        var config = LlavaConfigReader.Read(folder);
        var plan = new ShardPlan(config.Text, 3, 7);
        var progress = new RecordedProgress();
        using var weights = new CheckpointWeights(folder, config, CPU, ScalarType.Float32, progress);
        weights.Check(WeightRoles.Language, plan);
        foreach (var entry in TensorCatalog.Of(config).Where(e => e.Role == WeightRoles.Language))
        {
            weights.Read(entry.Name, entry.Shape, plan.SliceOf(entry.Name)).Dispose();
        }

        Assert.Equal(progress.Reports[^1].Total, progress.Reports[^1].Done);
        Assert.Single(progress.Reports.Select(r => r.Total).Distinct());
        Assert.Equal(progress.Reports.OrderBy(r => r.Done), progress.Reports);
    }

    [Fact]
    public void Read_AnotherShape_ShowsBoth()
    {
        var folder = GoldenFolder.Of("checkpoints", "vicuna");
        using var weights = new CheckpointWeights(folder, LlavaConfigReader.Read(folder), CPU, ScalarType.Float32);
        var thrown = Assert.Throws<BadCheckpointException>(() => weights.Read("lm_head.weight", [2000, 64]));
        Assert.Equal(
            $"{folder}/model.safetensors: tensor language_model.lm_head.weight: expected [2000, 64], file has [2048, 64].", thrown.Message);
    }

    [Fact]
    public void Read_TensorThatIsNotThere_IsNamed()
    {
        var folder = GoldenFolder.Of("checkpoints", "llava15");
        using var weights = new CheckpointWeights(folder, LlavaConfigReader.Read(folder), CPU, ScalarType.Float32);
        var thrown = Assert.Throws<BadCheckpointException>(() => weights.Read("image_newline", [64]));
        Assert.Equal($"{folder}: tensor image_newline is missing.", thrown.Message);
    }

    [Theory]
    [InlineData(0, 0, 2049)]
    [InlineData(0, -1, 2)]
    [InlineData(1, 64, 1)]
    [InlineData(2, 0, 1)]
    public void Read_SliceOutsideTheTensor_IsRefused(int dimension, long start, long length)
    {
        var folder = GoldenFolder.Of("checkpoints", "vicuna");
        using var weights = new CheckpointWeights(folder, LlavaConfigReader.Read(folder), CPU, ScalarType.Float32);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => weights.Read("lm_head.weight", [2048, 64], new WeightSlice(dimension, start, length)));
    }

    [Fact]
    public void Open_TruncatedFile_IsRefused()
    {
        var folder = Directory.CreateTempSubdirectory("truncated-").FullName;
        try
        {
            foreach (var file in Directory.EnumerateFiles(GoldenFolder.Of("checkpoints", "vicuna")))
            {
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            }

            var weights = Path.Combine(folder, "model.safetensors");
            using (var stream = File.OpenWrite(weights))
            {
                stream.SetLength(stream.Length - 100);
            }

            var thrown = Assert.Throws<BadCheckpointException>(
                () => new CheckpointWeights(folder, LlavaConfigReader.Read(folder), CPU, ScalarType.Float32));
            Assert.Equal(
                $"{weights}: tensor 'vision_tower.vision_model.pre_layrnorm.bias' ends at byte 998,720 of the data, but the file has only 998,684. It is truncated: fetch it again.",
                thrown.Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Tensors longer than what is mapped and staged at once.</summary>
    [Fact]
    public void Read_TensorsOfManyWindows_AreWhole()
    {
        using var scope = NewDisposeScope();
        var root = Directory.CreateTempSubdirectory("large-").FullName;
        try
        {
            var folder = Path.Combine(root, "model");
            SyntheticCheckpoint.Write(folder, new SyntheticOptions
            {
                Preset = SyntheticPreset.Named("bench") with
                {
                    Layers = 1,
                    VocabularySize = 40_001,
                    VisionHidden = 32,
                    VisionIntermediate = 32,
                    VisionLayers = 1,
                    VisionHeads = 1,
                },
                TokenizerFolder = GoldenFolder.Of("checkpoints", "vicuna"),
            });
            var config = LlavaConfigReader.Read(folder);
            using var weights = new CheckpointWeights(folder, config, CPU, ScalarType.BFloat16);
            using var converted = new CheckpointWeights(folder, config, CPU, ScalarType.Float32);
            var stored = new WeightMap(CheckpointFolder.Open(folder), config).Find(TensorCatalog.Embedding)!;
            var expected = new byte[stored.Tensor.Length];
            using (var file = File.OpenHandle(stored.File))
            {
                Assert.Equal(expected.Length, RandomAccess.Read(file, expected, stored.Tensor.Offset));
            }

            var whole = weights.Read(TensorCatalog.Embedding, [40_001, 1024]);

            Assert.True(expected.AsSpan().SequenceEqual(whole.bytes));
            Assert.True(Same(whole.narrow(1, 301, 517), weights.Read(TensorCatalog.Embedding, [40_001, 1024], new WeightSlice(1, 301, 517))));
            Assert.True(Same(whole.narrow(0, 7, 39_000), weights.Read(TensorCatalog.Embedding, [40_001, 1024], new WeightSlice(0, 7, 39_000))));
            Assert.True(Same(
                whole.narrow(1, 301, 717).to(ScalarType.Float32),
                converted.Read(TensorCatalog.Embedding, [40_001, 1024], new WeightSlice(1, 301, 717))));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }

        static bool Same(Tensor expected, Tensor actual) =>
            expected.shape.SequenceEqual(actual.shape) && expected.dtype == actual.dtype && expected.eq(actual).all().item<bool>();
    }

    /// <summary>Offsets past 32 bits, in a file that is a hole up to them.</summary>
    [Fact]
    public void Read_TensorPastFourGigabytes_IsFound()
    {
        const long before = 5_000_000_000;
        var folder = Directory.CreateTempSubdirectory("sparse-").FullName;
        try
        {
            var header = Encoding.UTF8.GetBytes(
                $$"""
                {
                  "filler": { "dtype": "U8", "shape": [{{before}}], "data_offsets": [0, {{before}}] },
                  "image_newline": { "dtype": "F32", "shape": [64], "data_offsets": [{{before}}, {{before + 256}}] }
                }
                """);
            using (var file = File.OpenHandle(Path.Combine(folder, "model.safetensors"), FileMode.CreateNew, FileAccess.Write))
            {
                RandomAccess.Write(file, BitConverter.GetBytes((long)header.Length), 0);
                RandomAccess.Write(file, header, 8);
                RandomAccess.Write(file, MemoryMarshal.AsBytes(Enumerable.Range(0, 64).Select(i => i + 0.5f).ToArray().AsSpan()), 8 + header.Length + before);
            }

            var config = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", "vicuna"));
            using var weights = new CheckpointWeights(folder, config, CPU, ScalarType.Float32);
            using var tensor = weights.Read("image_newline", [64]);
            Assert.Equal(Enumerable.Range(0, 64).Select(i => i + 0.5f), tensor.data<float>().ToArray());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
