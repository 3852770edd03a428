using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Checkpoint;

public sealed class WeightNameTests
{
    [Theory]
    [InlineData("language_model.model.embed_tokens.weight", "language_model.embed_tokens.weight")]
    [InlineData("model.language_model.embed_tokens.weight", "language_model.embed_tokens.weight")]
    [InlineData("model.embed_tokens.weight", "language_model.embed_tokens.weight")]
    [InlineData("language_model.model.layers.31.self_attn.q_proj.weight", "language_model.layers.31.self_attn.q_proj.weight")]
    [InlineData("model.language_model.layers.31.mlp.up_proj.weight", "language_model.layers.31.mlp.up_proj.weight")]
    [InlineData("model.layers.31.mlp.up_proj.weight", "language_model.layers.31.mlp.up_proj.weight")]
    [InlineData("language_model.model.norm.weight", "language_model.norm.weight")]
    [InlineData("model.norm.weight", "language_model.norm.weight")]
    [InlineData("language_model.lm_head.weight", "lm_head.weight")]
    [InlineData("lm_head.weight", "lm_head.weight")]
    [InlineData("vision_tower.vision_model.pre_layrnorm.bias", "vision_tower.pre_layrnorm.bias")]
    [InlineData("model.vision_tower.vision_model.pre_layrnorm.bias", "vision_tower.pre_layrnorm.bias")]
    [InlineData("model.vision_tower.pre_layrnorm.bias", "vision_tower.pre_layrnorm.bias")]
    [InlineData("model.vision_tower.vision_tower.vision_model.encoder.layers.3.mlp.fc1.weight", "vision_tower.encoder.layers.3.mlp.fc1.weight")]
    [InlineData("multi_modal_projector.linear_1.weight", "multi_modal_projector.linear_1.weight")]
    [InlineData("model.multi_modal_projector.linear_2.bias", "multi_modal_projector.linear_2.bias")]
    [InlineData("model.mm_projector.0.weight", "multi_modal_projector.linear_1.weight")]
    [InlineData("model.mm_projector.2.bias", "multi_modal_projector.linear_2.bias")]
    [InlineData("image_newline", "image_newline")]
    [InlineData("model.image_newline", "image_newline")]
    public void Ours_NameOfAnyLayout_IsTheSame(string theirs, string ours) => Assert.Equal(ours, WeightName.Ours(theirs));

    [Fact]
    public void Published_OfEveryTensor_IsTheNameInTheGoldenFile()
    {
        var folder = GoldenFolder.Of("checkpoints", "vicuna");
        Assert.Equal(
            CheckpointFolder.Open(folder).Tensors.Select(t => t.Tensor.Name).Order(),
            TensorCatalog.Of(LlavaConfigReader.Read(folder)).Select(e => WeightName.Published(e.Name)).Order());
    }
}
