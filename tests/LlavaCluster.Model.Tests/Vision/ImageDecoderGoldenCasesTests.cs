using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Model.Vision;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Model.Tests.Vision;

/// <summary>From file to tiles, on every picture of every golden case: hashes of bytes and floats must be equal.</summary>
public sealed class ImageDecoderGoldenCasesTests
{
    private static readonly ImageDecoder Decoder = new();

    [Theory]
    [InlineData("vicuna", PinpointOrder.HeightWidth)]
    [InlineData("mistral", PinpointOrder.HeightWidth)]
    [InlineData("yi", PinpointOrder.HeightWidth)]
    [InlineData("vicuna-original", PinpointOrder.WidthHeight)]
    [InlineData("mistral-original", PinpointOrder.WidthHeight)]
    public void Process_AnyResCases_EqualsReference(string file, PinpointOrder order) =>
        CheckAll(file, PublishedImageProcessing.LlavaNext(order));

    [Fact]
    public void Process_CentreCropCases_EqualsReference() =>
        CheckAll("llava15", PublishedImageProcessing.Llava15(ImageMode.CentreCrop));

    private static void CheckAll(string file, ImageProcessing processing)
    {
        var preprocessor = new ImagePreprocessor(processing);
        using var json = JsonDocument.Parse(File.ReadAllText(GoldenFolder.Of("cases", file + ".json")));
        var checkedPictures = 0;
        foreach (var golden in json.RootElement.GetProperty("cases").EnumerateArray())
        {
            foreach (var (name, index) in golden.GetProperty("images").EnumerateArray().Select((e, i) => (e.GetString()!, i)))
            {
                var picture = Decoder.Decode(File.ReadAllBytes(GoldenFolder.Of("pictures", name)), new ImageLimits());
                var tiles = preprocessor.Process(picture);
                Check($"{file} {golden.GetProperty("name").GetString()} {name}", golden.GetProperty("pixels")[index], tiles);
                Assert.Equal(golden.GetProperty("image_tokens")[index].GetInt32(), tiles.Geometry.Tokens);
                checkedPictures++;
            }
        }

        Assert.InRange(checkedPictures, 9, int.MaxValue);
    }

    private static void Check(string what, JsonElement expected, ImageTiles tiles)
    {
        var shape = string.Join(",", expected.GetProperty("shape").EnumerateArray());
        Assert.Equal($"{what} {shape}", $"{what} {tiles.Count},3,{tiles.Side},{tiles.Side}");
        var tileBytes = 3 * tiles.Side * tiles.Side;
        var hashes = expected.GetProperty("tile_sha256_uint8").EnumerateArray().Select(e => e.GetString()).ToList();
        var ours = Enumerable.Range(0, tiles.Count).Select(i => Hash(tiles.Bytes.AsSpan(i * tileBytes, tileBytes))).ToList();
        var different = Enumerable.Range(0, tiles.Count).Where(i => hashes[i] != ours[i]);
        Assert.Equal($"{what} tiles that differ: ", $"{what} tiles that differ: {string.Join(",", different)}");
        Assert.Equal(expected.GetProperty("sha256_uint8").GetString(), Hash(tiles.Bytes));
        Assert.Equal(expected.GetProperty("sha256_float32").GetString(), Hash(MemoryMarshal.AsBytes(tiles.Normalised().AsSpan())));
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
