using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Vision;
using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;
using LlavaCluster.Training.Checkpoint;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Training.Checkpoint;

public sealed class InitialWeightsTests
{
    private static readonly LlavaConfig Config = LlavaConfigReader.Read(GoldenFolder.Of("checkpoints", "vicuna"));

    [Fact]
    public void Read_SameSeed_GivesTheSameValues()
    {
        using var scope = NewDisposeScope();
        long[] shape = [2048, 64];
        var first = scope.Own(new InitialWeights(Config, 3).Read(TensorCatalog.Embedding, shape));

        Assert.True(first.eq(scope.Own(new InitialWeights(Config, 3).Read(TensorCatalog.Embedding, shape))).all().item<bool>());
        Assert.False(first.eq(scope.Own(new InitialWeights(Config, 4).Read(TensorCatalog.Embedding, shape))).all().item<bool>());
        Assert.True(first.narrow(0, 100, 50).eq(
            scope.Own(new InitialWeights(Config, 3).Read(TensorCatalog.Embedding, shape, new WeightSlice(0, 100, 50)))).all().item<bool>());
    }

    [Theory]
    [InlineData("language_model.embed_tokens.weight", 0.02)]
    [InlineData("lm_head.weight", 0.02)]
    [InlineData("language_model.layers.1.self_attn.q_proj.weight", 0.0791)]
    [InlineData("language_model.layers.1.self_attn.o_proj.weight", 0.0323)]
    [InlineData("vision_tower.encoder.layers.3.mlp.fc2.weight", 0.0228)]
    [InlineData("vision_tower.embeddings.patch_embedding.weight", 0.0261)]
    [InlineData("multi_modal_projector.linear_1.bias", 0)]
    public void Read_Matrix_HasItsDeviation(string name, double deviation)
    {
        using var scope = NewDisposeScope();
        var tensor = scope.Own(new InitialWeights(Config, 1).Read(name, TensorCatalog.Of(Config).Single(e => e.Name == name).Shape));

        Assert.InRange(tensor.std().item<float>(), deviation * 0.96, deviation * 1.04);
        Assert.InRange(tensor.mean().item<float>(), -deviation / 10, deviation / 10);
    }

    [Theory]
    [InlineData("language_model.norm.weight")]
    [InlineData("language_model.layers.0.input_layernorm.weight")]
    [InlineData("vision_tower.pre_layrnorm.weight")]
    [InlineData("vision_tower.encoder.layers.0.layer_norm2.weight")]
    public void Read_Norm_IsOne(string name)
    {
        using var scope = NewDisposeScope();
        var tensor = scope.Own(new InitialWeights(Config, 1).Read(name, TensorCatalog.Of(Config).Single(e => e.Name == name).Shape));

        Assert.True(tensor.eq(1).all().item<bool>());
    }

    [Fact]
    public void Modules_OfInitialWeights_AreMadeOfThem()
    {
        using var scope = NewDisposeScope();
        var source = new InitialWeights(Config, 1);
        var device = new TensorDevice(CPU, ScalarType.Float32);
        using var tower = new ClipVisionTower(Config.Vision, source, device);
        using var projector = new Projector(Config, source, device);

        var features = projector.forward(tower.forward(randn(1, 3, 336, 336)));

        Assert.Equal([1, 576, 64], features.shape);
        Assert.True(features.isfinite().all().item<bool>());
    }

    [Fact]
    public void Read_UnknownTensor_IsRefused()
    {
        var thrown = Assert.Throws<BadCheckpointException>(() => new InitialWeights(Config, 1).Read("image_newline", [3]));
        Assert.Equal("The config asks for no tensor image_newline of [3].", thrown.Message);
    }
}
