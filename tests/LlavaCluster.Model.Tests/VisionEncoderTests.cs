using System.Runtime.InteropServices;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Tests.Golden;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests;

public sealed class VisionEncoderTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
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

    /// <summary>Encode loop and tower together: what waits while the tower computes goes through it at once, up to the budget.</summary>
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public async Task Encode_ImagesThatWait_GoThroughTheTowerTogetherUpToTheTileBudget(ScalarType type)
    {
        const int Tiles = 3, Images = 6;
        var model = GoldenModel.OnCpu("vicuna", type);
        var alone = model.Features("p161x184.png");
        var batches = new List<int>();
        using var arrived = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        VisionEncoder? tower = null;
        await using var loop = new EncodeLoop(
            () =>
            {
                using var weights = model.Weights();
                return tower = new VisionEncoder(model.Config, weights, model.Device)
                {
                    Begins = tiles =>
                    {
                        batches.Add(tiles);
                        arrived.Release();
                        Assert.True(go.Wait(Patience), "nobody let the tower go");
                    },
                };
            },
            new NoDecoder(),
            _ => model.Tiles("p161x184.png"),
            new ImageLimits(),
            new EncodeLoopOptions());
        await loop.StartAsync().WaitAsync(Patience);

        var all = new List<Task<ImageFeatures>>();
        for (byte number = 0; number < Images; number++)
        {
            all.Add(loop.EncodeAsync(ImageHash.Of([number]), default, default));
            if (number == 0)
            {
                Assert.True(await arrived.WaitAsync(Patience), "the tower was not asked");
            }

            var outstanding = Tiles * all.Count;
            Assert.True(SpinWait.SpinUntil(() => loop.TilesOutstanding == outstanding, Patience), $"{loop.TilesOutstanding} tiles wait, not {outstanding}");
        }

        go.Release(Tiles * Images);
        var features = await Task.WhenAll(all).WaitAsync(Patience);

        // The first alone, then as many images as 10 tiles allow.
        int[] budgets = [Tiles, 3 * Tiles, 2 * Tiles];
        Assert.Equal(budgets.SelectMany(tiles => Enumerable.Repeat(1, tiles).Chunk(tower!.TilesAtOnce)).Select(chunk => chunk.Length), batches);
        Assert.All(features, one => Assert.True(alone.Data.Span.SequenceEqual(one.Data.Span)));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void TilesAtOnce_OurOwnKernels_TakeTheWholeBudget(ScalarType type)
    {
        var model = GoldenModel.OnCpu("vicuna", type);
        using var weights = model.Weights();
        using var ours = new VisionEncoder(model.Config, weights, model.Device);
        using var theirs = new VisionEncoder(model.Config, weights, model.Device, KernelChoice.Torch);

        var least = type == ScalarType.BFloat16 ? KernelPath.Avx512Pairs : KernelPath.Avx512;
        Assert.Equal(KernelPaths.Best >= least ? EncodeLoopOptions.UsualBatchTiles : 1, ours.TilesAtOnce);
        Assert.Equal(1, theirs.TilesAtOnce);
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
            $"Image {image}: 3 tiles of side 224 with {3 * 3 * 336 * 336} bytes; the vision tower takes tiles of side 336, "
            + $"{3 * 336 * 336} bytes each.",
            error.Message);
    }

    /// <summary>Files are empty here: the tiles are those of a golden picture.</summary>
    private sealed class NoDecoder : IImageDecoder
    {
        public PixelBuffer Decode(ReadOnlySpan<byte> file, ImageLimits limits) => new(1, 1, new byte[3]);
    }

    private static float[] Numbers(ImageFeatures features) => features.Type == FeatureType.Float32
        ? MemoryMarshal.Cast<byte, float>(features.Data.Span).ToArray()
        : [.. MemoryMarshal.Cast<byte, ushort>(features.Data.Span).ToArray().Select(bits => BitConverter.UInt32BitsToSingle((uint)bits << 16))];
}
