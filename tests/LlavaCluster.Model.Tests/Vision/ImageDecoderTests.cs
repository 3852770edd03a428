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

    private static PixelBuffer Decode(params string[] path) =>
        Decoder.Decode(File.ReadAllBytes(GoldenFolder.Of(path)), new ImageLimits());

    private static JsonElement Row(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(GoldenFolder.Of("decode.json")));
        return json.RootElement.GetProperty("rows").EnumerateArray()
            .First(row => row.GetProperty("file").GetString() == file).Clone();
    }
}
