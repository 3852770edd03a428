using System.Numerics;
using System.Text.Json;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Imaging;

public sealed class AnyResGridTests
{
    private static readonly ImageProcessing HuggingFace = PublishedImageProcessing.LlavaNext(PinpointOrder.HeightWidth);
    private static readonly ImageProcessing Original = PublishedImageProcessing.LlavaNext(PinpointOrder.WidthHeight);

    [Fact]
    public void Layout_GoldenSizes_EqualsReference()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(GoldenFolder.Of("geometry.json")));
        var rows = json.RootElement.GetProperty("rows").EnumerateArray().ToList();
        Assert.InRange(rows.Count, 50, int.MaxValue);
        foreach (var row in rows)
        {
            int Number(string name) => row.GetProperty(name).GetInt32();
            (int, int) Pair(string name) => (row.GetProperty(name)[0].GetInt32(), row.GetProperty(name)[1].GetInt32());

            var layout = AnyResGrid.Layout(HuggingFace, Number("width"), Number("height"));

            Assert.Equal(
                (Number("width"), Number("height"), Pair("canvas"), Pair("resized"), Number("tiles"), Number("tokens")),
                (layout.Width, layout.Height, (layout.CanvasHeight, layout.CanvasWidth), (layout.ResizedHeight, layout.ResizedWidth), layout.Tiles, layout.Tokens));
        }
    }

    /// <summary>Values of the original code, executed (reference, 4.5 and 4.3).</summary>
    [Theory]
    [InlineData(1, 1, 336, 672, 336, 336, 1176)]
    [InlineData(336, 336, 336, 672, 336, 336, 1176)]
    [InlineData(200, 300, 336, 672, 336, 504, 1476)]
    [InlineData(1, 5000, 336, 672, 1, 672, 624)]
    [InlineData(640, 480, 672, 672, 672, 504, 2340)]
    public void Layout_OriginalOrder_EqualsOriginalCode(
        int width, int height, int canvasWidth, int canvasHeight, int resizedWidth, int resizedHeight, int tokens)
    {
        var layout = AnyResGrid.Layout(Original, width, height);

        Assert.Equal(
            (canvasWidth, canvasHeight, resizedWidth, resizedHeight, tokens),
            (layout.CanvasWidth, layout.CanvasHeight, layout.ResizedWidth, layout.ResizedHeight, layout.Tokens));
    }

    /// <summary>Sizes whose exact quotient is whole and whose float product lies just below it (reference, 4.3).</summary>
    [Theory]
    [InlineData(1128, 47)]
    [InlineData(176, 55)]
    [InlineData(55, 88)]
    [InlineData(656, 205)]
    [InlineData(1056, 220)]
    public void Layout_WholeQuotient_OriginalTruncatesBelowHuggingFaceDoesNot(int width, int height)
    {
        var huggingFace = AnyResGrid.Layout(HuggingFace, width, height);
        var original = AnyResGrid.Layout(Original, width, height);

        Assert.NotEqual((huggingFace.Rows, huggingFace.Columns), (original.Rows, original.Columns));
    }

    [Fact]
    public void Layout_RandomSizes_UnpadEqualsSevenDecimalRule()
    {
        var random = new Random(7);
        for (var i = 0; i < 40_000; i++)
        {
            var (width, height) = (random.Next(1, 16_385), random.Next(1, 16_385));
            if (i % 4 == 0)
            {
                // Whole quotients, where the float product shows its error.
                (width, height) = (random.Next(1, 200) * 24, random.Next(1, 200) * random.Next(1, 40));
            }

            var layout = AnyResGrid.Layout(HuggingFace, width, height);
            int rows = layout.GridRows * 24, columns = layout.GridColumns * 24;
            var byRows = (double)width / height > (double)columns / rows;
            var kept = byRows
                ? RoundedToSevenThenTruncated(height * ((double)columns / width))
                : RoundedToSevenThenTruncated(width * ((double)rows / height));

            var expected = byRows ? (rows - ((rows - kept) / 2 * 2), columns) : (rows, columns - ((columns - kept) / 2 * 2));
            Assert.Equal((width, height, expected), (width, height, (layout.Rows, layout.Columns)));
        }
    }

    [Fact]
    public void Layout_RandomSizes_PictureLiesInsideItsCanvas()
    {
        var random = new Random(11);
        for (var i = 0; i < 20_000; i++)
        {
            var (width, height) = (random.Next(1, 3_000), random.Next(1, 3_000));
            foreach (var processing in new[] { HuggingFace, Original })
            {
                var layout = AnyResGrid.Layout(processing, width, height);

                Assert.InRange(layout.ResizedWidth, 1, layout.CanvasWidth);
                Assert.InRange(layout.ResizedHeight, 1, layout.CanvasHeight);
                Assert.True(layout.ResizedWidth == layout.CanvasWidth || layout.ResizedHeight == layout.CanvasHeight);
                Assert.InRange(layout.Tokens, layout.BaseTokens, 2928);
                Assert.Equal(layout.GridRows * 24, layout.Rows + (2 * layout.FirstRow));
                Assert.Equal(layout.GridColumns * 24, layout.Columns + (2 * layout.FirstColumn));
            }
        }
    }

    [Fact]
    public void Layout_BlogGrids_TakesLongCanvas()
    {
        var processing = HuggingFace with { Pinpoints = [(336, 672), (672, 336), (672, 672), (336, 1344), (1344, 336)] };

        var layout = AnyResGrid.Layout(processing, 1344, 336);

        Assert.Equal((1344, 336, 5, 576 + (24 * 97)), (layout.CanvasWidth, layout.CanvasHeight, layout.Tiles, layout.Tokens));
    }

    [Fact]
    public void Layout_PatchThatDoesNotDivideTheTile_CountsWholePatches()
    {
        var processing = HuggingFace with { TileSide = 50, PatchSide = 14, Pinpoints = [(50, 100), (100, 50), (100, 100)] };

        var layout = AnyResGrid.Layout(processing, 100, 50);

        Assert.Equal((3, 9, 3, 6, 9 + (3 * 7)), (layout.PatchesPerSide, layout.BaseTokens, layout.Rows, layout.Columns, layout.Tokens));
    }

    [Theory]
    [InlineData(ImageMode.CentreCrop)]
    [InlineData(ImageMode.PadToSquare)]
    [InlineData(ImageMode.BaseTile)]
    public void Layout_OneTileModes_BaseTokensOnly(ImageMode mode)
    {
        var layout = AnyResGrid.Layout(PublishedImageProcessing.Llava15(mode), 5000, 3);

        Assert.Equal((1, 576, 336, 336), (layout.Tiles, layout.Tokens, layout.ResizedWidth, layout.ResizedHeight));
    }

    /// <summary>Python's <c>int(round(v, 7))</c>: the double's exact value, rounded half to even, in whole numbers.</summary>
    private static int RoundedToSevenThenTruncated(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF) - 1075;
        var scaled = new BigInteger((bits & 0xFFFFFFFFFFFFF) | 0x10000000000000) * 10_000_000;
        Assert.True(exponent < 0);
        var whole = scaled >> -exponent;
        var twiceRest = (scaled - (whole << -exponent)) << 1;
        var half = BigInteger.One << -exponent;
        if (twiceRest > half || (twiceRest == half && !whole.IsEven))
        {
            whole++;
        }

        return (int)(whole / 10_000_000);
    }
}
