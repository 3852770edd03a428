using System.Runtime.InteropServices;
using LlavaCluster.Core.Engine;
using LlavaCluster.Model.Tests.Golden;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests;

public sealed class VisionEncoderTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Encode_SeveralImagesAtOnce_GivesEachTheSameBytesAsAlone(ScalarType type)
    {
        var model = GoldenModel.OnCpu("vicuna", type);
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

    /// <summary>Our own kernels, where this processor has them, round less often than torch's operators.</summary>
    [Fact]
    public void Encode_InBFloat16_IsAsNearToFloat32AsTorchIs()
    {
        var exact = Numbers(GoldenModel.Of("vicuna").Features("p161x184.png"));
        var model = GoldenModel.Of("vicuna", ScalarType.BFloat16);
        using var weights = model.Weights();
        using var reference = new VisionEncoder(model.Config, weights, model.Device, KernelChoice.Torch);
        var image = (GoldenModel.HashOf("p161x184.png"), model.Tiles("p161x184.png"));

        var (ours, theirs) = (Off(model.Features("p161x184.png")), Off(reference.Encode([image])[0]));

        Assert.True(ours <= 1.2 * theirs, $"off by {ours:g3} of the norm, torch by {theirs:g3}");
        Assert.InRange(theirs, 1e-4, 0.05);

        double Off(ImageFeatures features)
        {
            var numbers = Numbers(features);
            return Math.Sqrt(numbers.Zip(exact, (a, b) => Math.Pow(a - b, 2)).Sum() / exact.Sum(b => (double)b * b));
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

    private static float[] Numbers(ImageFeatures features) => features.Type == FeatureType.Float32
        ? MemoryMarshal.Cast<byte, float>(features.Data.Span).ToArray()
        : [.. MemoryMarshal.Cast<byte, ushort>(features.Data.Span).ToArray().Select(bits => BitConverter.UInt32BitsToSingle((uint)bits << 16))];
}
