using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using System.Text.Json;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Imaging;

public sealed class BicubicResizeTests
{
    /// <summary>The vectors that this processor has; 128 bits run everywhere.</summary>
    public static TheoryData<int> Lanes() =>
        [.. new[] { (128, true), (256, Avx2.IsSupported), (512, Avx512F.IsSupported) }.Where(l => l.Item2).Select(l => l.Item1)];

    [Theory]
    [MemberData(nameof(Lanes))]
    public void Resize_GoldenPairs_EqualsPillow(int lanes)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(GoldenFolder.Of("resize.json")));
        var rows = json.RootElement.GetProperty("rows").EnumerateArray().ToList();
        Assert.InRange(rows.Count, 20, int.MaxValue);
        foreach (var row in rows)
        {
            int Number(string name) => row.GetProperty(name).GetInt32();
            var (width, height) = (Number("to_width"), Number("to_height"));

            var resized = BicubicResize.Resize(
                new ResampleSource(Pattern(Number("width"), Number("height"))), width, height, new PixelWindow(0, 0, width, height), lanes);

            var pair = $"{Number("width")}×{Number("height")} → {width}×{height}: ";
            Assert.Equal(
                pair + row.GetProperty("sha256").GetString(), pair + Convert.ToHexStringLower(SHA256.HashData(resized)));
        }
    }

    [Theory]
    [InlineData(640, 480, 400, 300)]
    [InlineData(300, 900, 336, 336)]
    [InlineData(20, 15, 700, 500)]
    [InlineData(500, 501, 500, 130)]
    public void Resize_Window_EqualsThatPartOfTheWhole(int width, int height, int toWidth, int toHeight)
    {
        var source = new ResampleSource(Pattern(width, height));
        var whole = BicubicResize.Resize(source, toWidth, toHeight, new PixelWindow(0, 0, toWidth, toHeight), BicubicResize.WidestLanes);
        var window = new PixelWindow(toWidth / 3, toHeight / 4, 57, 41);

        var part = BicubicResize.Resize(source, toWidth, toHeight, window, BicubicResize.WidestLanes);

        for (var y = 0; y < window.Height; y++)
        {
            var start = (((window.Top + y) * toWidth) + window.Left) * 3;
            Assert.Equal(whole.AsSpan(start, 57 * 3), part.AsSpan(y * 57 * 3, 57 * 3));
        }
    }

    [Fact]
    public void Resize_LargePictureOnThreads_EqualsOneRowAtATime()
    {
        var picture = Pattern(2_100, 1_400);
        var whole = BicubicResize.Resize(picture, 672, 448);

        for (var y = 0; y < 448; y += 37)
        {
            var row = BicubicResize.Resize(new ResampleSource(picture), 672, 448, new PixelWindow(0, y, 672, 1), 128);
            Assert.Equal(row, whole.AsSpan(y * 672 * 3, 672 * 3).ToArray());
        }
    }

    [Theory]
    [InlineData(40, 90)]
    [InlineData(90, 40)]
    [InlineData(1, 700)]
    public void Resize_PictureOnASheet_EqualsTheSheetBuilt(int width, int height)
    {
        var picture = Pattern(width, height);
        var square = Math.Max(width, height);
        int left = (square - width) / 2, top = (square - height) / 2;
        var built = new byte[square * square * 3];
        for (var i = 0; i < built.Length; i += 3)
        {
            (built[i], built[i + 1], built[i + 2]) = (122, 116, 104);
        }

        for (var y = 0; y < height; y++)
        {
            picture.Rgb.AsSpan(y * width * 3, width * 3).CopyTo(built.AsSpan((((top + y) * square) + left) * 3));
        }

        var resized = BicubicResize.Resize(
            new ResampleSource(picture, square, square, left, top, (122, 116, 104)), 64, 64, new PixelWindow(0, 0, 64, 64), BicubicResize.WidestLanes);

        Assert.Equal(BicubicResize.Resize(new PixelBuffer(square, square, built), 64, 64), resized);
    }

    [Fact]
    public void Resize_SameSize_IsACopy()
    {
        var picture = Pattern(77, 31);

        Assert.Equal(picture.Rgb, BicubicResize.Resize(picture, 77, 31));
    }

    /// <summary>The picture of resize.json: pixel(y, x, c) = (7y + 13x + 101c + (y·x) div 11) mod 256.</summary>
    private static PixelBuffer Pattern(int width, int height)
    {
        var rgb = new byte[width * height * 3];
        for (var i = 0; i < rgb.Length; i++)
        {
            int c = i % 3, x = i / 3 % width, y = i / 3 / width;
            rgb[i] = (byte)((7 * y) + (13 * x) + (101 * c) + (y * x / 11));
        }

        return new PixelBuffer(width, height, rgb);
    }
}
