using LlavaCluster.Core.Imaging;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Imaging;

/// <summary>What the golden cases (checked beside the decoder) do not reach.</summary>
public sealed class ImagePreprocessorTests
{
    public static TheoryData<int, int, ImageMode> Extremes() => new()
    {
        { 1, 1, ImageMode.AnyRes }, { 16_384, 1, ImageMode.AnyRes }, { 1, 16_384, ImageMode.AnyRes }, { 3, 3, ImageMode.AnyRes },
        { 1, 1, ImageMode.CentreCrop }, { 16_384, 1, ImageMode.CentreCrop }, { 1, 16_384, ImageMode.CentreCrop },
        { 1, 1, ImageMode.PadToSquare }, { 16_384, 1, ImageMode.PadToSquare }, { 1, 16_384, ImageMode.PadToSquare },
        { 1, 1, ImageMode.BaseTile }, { 16_384, 1, ImageMode.BaseTile }, { 1, 16_384, ImageMode.BaseTile },
    };

    [Theory]
    [MemberData(nameof(Extremes))]
    public void Process_ExtremeSizes_GivesAllTiles(int width, int height, ImageMode mode)
    {
        var processing = mode == ImageMode.AnyRes
            ? PublishedImageProcessing.LlavaNext(PinpointOrder.HeightWidth)
            : PublishedImageProcessing.Llava15(mode);

        var tiles = new ImagePreprocessor(processing).Process(Plain(width, height, 200));

        Assert.Equal(tiles.Count * 3 * 336 * 336, tiles.Bytes.Length);
        Assert.Equal(tiles.Bytes.Length, tiles.Normalised().Length);
        // One pixel in 16,384 padded ones is worth a level.
        Assert.True(tiles.Bytes.AsSpan(0, 336 * 336).ContainsAnyInRange<byte>(123, 200));
    }

    [Theory]
    [InlineData(1000, 400)]
    [InlineData(90, 300)]
    [InlineData(336, 336)]
    public void Process_BaseTile_IsTheFirstTileOfAnyRes(int width, int height)
    {
        var anyRes = PublishedImageProcessing.LlavaNext(PinpointOrder.HeightWidth);
        var picture = new PixelBuffer(width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)(i * 31 / 7))]);

        var all = new ImagePreprocessor(anyRes).Process(picture);
        var one = new ImagePreprocessor(anyRes with { Mode = ImageMode.BaseTile }).Process(picture);

        Assert.Equal((1, 576), (one.Count, one.Geometry.Tokens));
        Assert.True(all.Count > 1 && all.Geometry.Tokens > 576);
        Assert.Equal(all.Bytes[..one.Bytes.Length], one.Bytes);
        Assert.Equal(all.Normalised()[..one.Bytes.Length], one.Normalised());
    }

    [Fact]
    public void Process_PadToSquare_PadsWithTheMeanColour()
    {
        var tiles = new ImagePreprocessor(PublishedImageProcessing.Llava15(ImageMode.PadToSquare)).Process(Plain(336, 100, 7));

        const int Plane = 336 * 336;
        Assert.Equal((122, 116, 104), (tiles.Bytes[0], tiles.Bytes[Plane], tiles.Bytes[2 * Plane]));
        const int Middle = (168 * 336) + 168;
        Assert.Equal((7, 7, 7), (tiles.Bytes[Middle], tiles.Bytes[Plane + Middle], tiles.Bytes[(2 * Plane) + Middle]));
    }

    [Fact]
    public void Process_Black_IsTheReferencesNumbers()
    {
        var tiles = new ImagePreprocessor(PublishedImageProcessing.Llava15(ImageMode.CentreCrop)).Process(Plain(336, 336, 0));

        const int Plane = 336 * 336;
        var pixels = new float[tiles.TileLength];
        tiles.Normalise(0, pixels);
        Assert.Equal((-1.7922626f, -1.7520971f, -1.4802198f), (pixels[0], pixels[Plane], pixels[2 * Plane]));
    }

    [Fact]
    public void Process_OddPadding_ExtraPixelIsAtTheRight()
    {
        // 300 wide, 200 high on a 672×336 canvas of height-width order: resized 336×225 there (reference, 4.5).
        var processing = PublishedImageProcessing.LlavaNext(PinpointOrder.HeightWidth);

        var tiles = new ImagePreprocessor(processing).Process(Plain(200, 300, 255));

        Assert.Equal((672, 336, 225), (tiles.Geometry.CanvasWidth, tiles.Geometry.CanvasHeight, tiles.Geometry.ResizedWidth));
        var firstRow = Enumerable.Range(0, 672).Select(x => tiles.Bytes[((1 + (x / 336)) * 3 * 336 * 336) + (x % 336)]).ToList();
        Assert.Equal((223, 447), (firstRow.IndexOf(255), firstRow.LastIndexOf(255)));
    }

    [Theory]
    [InlineData(335, 672, "image_grid_pinpoints lists 335×672; both must be multiples of the tile side 336.")]
    [InlineData(0, 336, "image_grid_pinpoints lists 0×336; both must be multiples of the tile side 336.")]
    public void Problem_CanvasOfBrokenTiles_IsNamed(int first, int second, string problem)
    {
        var processing = PublishedImageProcessing.LlavaNext(PinpointOrder.HeightWidth) with { Pinpoints = [(336, 672), (first, second)] };

        Assert.Equal(problem, processing.Problem);
        Assert.StartsWith(problem, Assert.Throws<ArgumentException>(() => new ImagePreprocessor(processing)).Message);
    }

    [Fact]
    public void Problem_OtherContradictions_AreNamed()
    {
        var sound = PublishedImageProcessing.LlavaNext(PinpointOrder.HeightWidth);

        Assert.Null(sound.Problem);
        Assert.Equal("image_grid_pinpoints is empty; AnyRes needs at least one canvas.", (sound with { Pinpoints = [] }).Problem);
        Assert.Contains("Tiles of 336 and patches of 337 pixels", (sound with { PatchSide = 337 }).Problem);
        Assert.Contains("image_std", (sound with { Std = [1, 0, 1] }).Problem);
        Assert.Contains("rescale_factor", (sound with { RescaleFactor = double.NaN }).Problem);
    }

    private static PixelBuffer Plain(int width, int height, byte level)
    {
        var rgb = new byte[width * height * 3];
        Array.Fill(rgb, level);
        return new PixelBuffer(width, height, rgb);
    }
}
