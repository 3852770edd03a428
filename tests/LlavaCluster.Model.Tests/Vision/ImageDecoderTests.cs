using System.Security.Cryptography;
using System.Text.Json;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Model.Vision;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Model.Tests.Vision;

public sealed class ImageDecoderTests
{
    private static readonly ImageDecoder Decoder = new();

    public static TheoryData<string> FileForms()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(GoldenFolder.Of("decode.json")));
        return [.. json.RootElement.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("file").GetString()!)];
    }

    [Theory]
    [MemberData(nameof(FileForms))]
    public void Decode_FileForm_EqualsPillow(string file)
    {
        var picture = Decode("file-forms", file);

        var expected = Decode("file-forms", Path.GetFileNameWithoutExtension(file) + ".expected.png");
        Assert.Equal((expected.Width, expected.Height), (picture.Width, picture.Height));
        var farthest = picture.Rgb.Zip(expected.Rgb, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(farthest == 0, $"{file}: {farthest} levels apart");
        Assert.Equal(Row(file).GetProperty("sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(picture.Rgb)));
    }

    [Fact]
    public void Decode_ColoursUnderFullTransparency_Survive()
    {
        byte[] row = [10, 20, 30, 0, 40, 50, 60, 1, 70, 80, 90, 255];

        Assert.Equal([10, 20, 30, 40, 50, 60, 70, 80, 90], Decode(HandMadeImages.PngRow(3, 8, 6, row)).Rgb);
    }

    [Fact]
    public void Decode_SixteenBits_TakesTheHighByte()
    {
        Assert.Equal([1, 3, 5], Decode(HandMadeImages.PngRow(1, 16, 2, [1, 255, 3, 0, 5, 128])).Rgb);
        Assert.Equal([1, 1, 1, 3, 3, 3], Decode(HandMadeImages.PngRow(2, 16, 0, [1, 255, 3, 0])).Rgb);
    }

    [Theory]
    [InlineData(1, new byte[] { 0b0100_0000 }, new byte[] { 0, 0, 0, 255, 255, 255 })]
    [InlineData(2, new byte[] { 0b0110_0000 }, new byte[] { 85, 85, 85, 170, 170, 170 })]
    [InlineData(4, new byte[] { 0x1F }, new byte[] { 17, 17, 17, 255, 255, 255 })]
    public void Decode_FewBitsOfGrey_AreSpreadOverTheRange(byte depth, byte[] row, byte[] expected) =>
        Assert.Equal(expected, Decode(HandMadeImages.PngRow(2, depth, 0, row)).Rgb);

    /// <summary>Pillow: a transparent pixel keeps its listed colour; what no frame covers has the transparent colour, else the first.</summary>
    [Theory]
    [InlineData(null, 200, 10, 20)]
    [InlineData((byte)1, 30, 220, 40)]
    [InlineData((byte)3, 90, 80, 70)]
    public void Decode_GifWithTransparency_KeepsTheTablesColours(byte? transparent, byte red, byte green, byte blue)
    {
        var picture = Decode(HandMadeImages.Gif(transparent));

        Assert.Equal((6, 2), (picture.Width, picture.Height));
        byte[] uncovered = [red, green, blue];
        byte[] frame = [200, 10, 20, 30, 220, 40, 50, 60, 230, 90, 80, 70];
        byte[] below = [.. Enumerable.Repeat(uncovered, 6).SelectMany(c => c)];
        Assert.Equal([.. uncovered, .. uncovered, .. frame, .. below], picture.Rgb);
    }

    [Theory]
    [InlineData("jpeg-420.jpg", "The jpeg file ends before its picture does: it is truncated. Send the whole file.")]
    [InlineData("png-interlace.png", "The png file ends before its picture does: it is truncated. Send the whole file.")]
    public void Decode_Truncated_SaysSo(string file, string message)
    {
        var whole = File.ReadAllBytes(GoldenFolder.Of("file-forms", file));

        Assert.Equal(message, Refusal(whole[..(whole.Length * 2 / 3)]));
    }

    [Theory]
    [MemberData(nameof(FileForms))]
    public void Decode_AnyFormCutInHalf_IsRefused(string file)
    {
        var whole = File.ReadAllBytes(GoldenFolder.Of("file-forms", file));

        Assert.Contains("Send the whole file", Refusal(whole[..(whole.Length / 2)]));
    }

    [Fact]
    public void Decode_PastALimit_IsRefusedByTheHeader()
    {
        // The header of a huge picture with no data at all: a decoder would complain of that instead.
        var png = HandMadeImages.PngRow(1, 8, 0, [0])[..33];
        (png[18], png[19], png[22], png[23]) = (0xEA, 0x60, 0xEA, 0x60);

        Assert.Equal("The png image is 60,000×60,000 pixels; no side may be longer than 16,384. Scale it down.", Refusal(png));
        Assert.Equal("The image has zero bytes; send PNG, JPEG, WebP, GIF or BMP.", Refusal([]));
    }

    [Fact]
    public void Decode_MutatedFiles_OnlyBadImageExceptions()
    {
        // Small limits: the interesting sizes are refused before anything is decoded, as in the server.
        var limits = new ImageLimits { MaxPixels = 400_000, MaxSide = 4_000 };
        var random = new Random(4711);
        int decoded = 0, refused = 0;
        foreach (var original in MutatedFiles.Originals())
        {
            for (var i = 0; i < 150; i++)
            {
                try
                {
                    var picture = Decoder.Decode(MutatedFiles.Mutate(original, random, headerBytes: 700), limits);
                    Assert.InRange((long)picture.Width * picture.Height, 1, limits.MaxPixels);
                    decoded++;
                }
                catch (BadImageException)
                {
                    refused++;
                }
            }
        }

        Assert.True(decoded > 200 && refused > 200, $"{decoded} decoded, {refused} refused");
    }

    [Fact]
    public void Decode_ManyThreads_EachGetsItsPicture()
    {
        var file = File.ReadAllBytes(GoldenFolder.Of("file-forms", "jpeg-420.jpg"));
        var expected = Decode(file).Rgb;

        Parallel.For(0, 64, _ => Assert.Equal(expected, Decode(file).Rgb));
    }

    private static PixelBuffer Decode(byte[] file) => Decoder.Decode(file, new ImageLimits());

    private static string Refusal(byte[] file) =>
        Assert.Throws<BadImageException>(() => Decoder.Decode(file, new ImageLimits())).Message;

    private static PixelBuffer Decode(params string[] path) =>
        Decoder.Decode(File.ReadAllBytes(GoldenFolder.Of(path)), new ImageLimits());

    private static JsonElement Row(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(GoldenFolder.Of("decode.json")));
        return json.RootElement.GetProperty("rows").EnumerateArray()
            .First(row => row.GetProperty("file").GetString() == file).Clone();
    }
}
