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
}
