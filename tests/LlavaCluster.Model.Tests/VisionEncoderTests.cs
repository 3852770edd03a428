using LlavaCluster.Core.Engine;
using LlavaCluster.Model.Tests.Golden;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests;

public sealed class VisionEncoderTests
{
    [Fact]
    public void Encode_SeveralImagesAtOnce_GivesEachTheSameBytesAsAlone()
    {
        var model = GoldenModel.Of("vicuna");
        using var weights = model.Weights();
        using var encoder = new VisionEncoder(model.Config, weights, model.Device);
        string[] files = ["p161x184.png", "p1000x500.png", "p336x336.png"];

        var together = encoder.Encode([.. files.Select(file => (GoldenModel.HashOf(file), model.Tiles(file)))]);

        Assert.Equal(files.Select(GoldenModel.HashOf), together.Select(features => features.Image));
        for (var i = 0; i < files.Length; i++)
        {
            var alone = model.Features(files[i]);
            Assert.Equal(alone with { Data = default }, together[i] with { Data = default });
            Assert.Equal(together[i].ExpectedBytes, together[i].Data.Length);
            Assert.True(alone.Data.Span.SequenceEqual(together[i].Data.Span), files[i]);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32, FeatureType.Float32)]
    [InlineData(ScalarType.BFloat16, FeatureType.BFloat16)]
    [InlineData(ScalarType.Float16, FeatureType.Float16)]
    public void Encode_AnyComputeType_GivesFeaturesOfThatType(ScalarType type, FeatureType expected)
        => Assert.Equal(expected, GoldenModel.Of("mistral", type).Features("p161x184.png").Type);

    [Fact]
    public void Encode_TilesOfAnotherSide_AreRefused()
    {
        var model = GoldenModel.Of("vicuna");
        using var weights = model.Weights();
        using var encoder = new VisionEncoder(model.Config, weights, model.Device);
        var tiles = model.Tiles("p161x184.png") with { Side = 224 };
        var image = GoldenModel.HashOf("p161x184.png");

        var error = Assert.Throws<ArgumentException>(() => encoder.Encode([(image, tiles)]));

        Assert.StartsWith(
            $"Image {image}: 3 tiles of side 224 with {3 * 3 * 336 * 336} numbers; the vision tower takes tiles of side 336, "
            + $"{3 * 336 * 336} numbers each.",
            error.Message);
    }
}
