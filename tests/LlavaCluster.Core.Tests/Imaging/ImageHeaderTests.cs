using LlavaCluster.Core.Imaging;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Imaging;

public sealed class ImageHeaderTests
{
    [Theory]
    [InlineData("jpeg-420.jpg", "jpeg", 200, 150, 1)]
    [InlineData("jpeg-progressive.jpg", "jpeg", 200, 150, 1)]
    [InlineData("jpeg-cmyk.jpg", "jpeg", 200, 150, 1)]
    [InlineData("jpeg-turned.jpg", "jpeg", 150, 200, 6)]
    [InlineData("webp-lossless.webp", "webp", 200, 150, 1)]
    [InlineData("webp-lossy.webp", "webp", 200, 150, 1)]
    [InlineData("webp-alpha.webp", "webp", 200, 150, 1)]
    [InlineData("gif.gif", "gif", 200, 150, 1)]
    [InlineData("bmp.bmp", "bmp", 200, 150, 1)]
    [InlineData("png-interlace.png", "png", 200, 150, 1)]
    public void Read_GoldenFile_SaysItsSize(string file, string format, int width, int height, int orientation) =>
        Assert.Equal(
            new ImageInfo(format, width, height, orientation),
            ImageHeader.Read(File.ReadAllBytes(GoldenFolder.Of("file-forms", file))));

    [Fact]
    public void Read_GoldenPictures_SaysTheSizeInTheirNames()
    {
        foreach (var path in Directory.GetFiles(GoldenFolder.Of("pictures"), "p*x*.png"))
        {
            var info = ImageHeader.Read(File.ReadAllBytes(path));

            Assert.Equal(Path.GetFileNameWithoutExtension(path), $"p{info.Width}x{info.Height}");
        }
    }

    [Theory]
    [InlineData(true, 3)]
    [InlineData(false, 3)]
    [InlineData(true, 4)]
    [InlineData(false, 1)]
    public void Read_ExifInEveryContainer_TurnsTheSize(bool little, ushort type)
    {
        var exif = ImageFiles.Exif(little, type, 8);
        byte[] withPrefix = [.. "Exif\0\0"u8, .. exif];

        Assert.Equal(new ImageInfo("png", 20, 30, 8), ImageHeader.Read(ImageFiles.Png(30, 20, ("IDAT", [1, 2, 3]), ("eXIf", exif))));
        Assert.Equal(new ImageInfo("jpeg", 20, 30, 8), ImageHeader.Read(ImageFiles.Jpeg((0xE1, withPrefix), (0xC0, ImageFiles.Frame(30, 20)))));
        Assert.Equal(new ImageInfo("jpeg", 20, 30, 8), ImageHeader.Read(ImageFiles.Jpeg((0xC2, ImageFiles.Frame(30, 20)), (0xE1, withPrefix))));
        Assert.Equal(
            new ImageInfo("webp", 20, 30, 8),
            ImageHeader.Read(ImageFiles.Webp(("VP8X", ImageFiles.Vp8x(8, 30, 20)), ("VP8L", [1, 2, 3]), ("EXIF", withPrefix))));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(9u)]
    [InlineData(70_000u)]
    public void Read_OrientationOutsideItsRange_CountsAsUpright(uint orientation) =>
        Assert.Equal(
            new ImageInfo("png", 30, 20, 1), ImageHeader.Read(ImageFiles.Png(30, 20, ("eXIf", ImageFiles.Exif(true, 4, orientation)))));

    [Fact]
    public void Read_WebpWithoutExifFlag_IgnoresTheChunk() =>
        Assert.Equal(
            new ImageInfo("webp", 30, 20, 1),
            ImageHeader.Read(ImageFiles.Webp(("VP8X", ImageFiles.Vp8x(0, 30, 20)), ("EXIF", ImageFiles.Exif(true, 3, 6)))));

    [Fact]
    public void Read_FirstBytesOnly_SuffiseForTheSize()
    {
        Assert.Equal(new ImageInfo("png", 60_000, 60_000, 1), ImageHeader.Read(ImageFiles.Png(60_000, 60_000).AsSpan(0, 24)));
        Assert.Equal(new ImageInfo("bmp", 640, 480, 1), ImageHeader.Read(ImageFiles.Bmp(640, -480)));
    }

    [Theory]
    [InlineData("", "The image has zero bytes; send PNG, JPEG, WebP, GIF or BMP.")]
    [InlineData("<html>", "Not an image: the file begins with 3C68746D6C3E (\"<html>\"); send PNG, JPEG, WebP, GIF or BMP.")]
    [InlineData("%PDF-1.7 more", "Not an image: the file begins with 255044462D312E37 (\"%PDF-1.7\"); send PNG, JPEG, WebP, GIF or BMP.")]
    [InlineData("GIF89a", "The gif file ends inside its header, after 6 bytes: it is truncated. Send the whole file.")]
    [InlineData("BM12", "The bmp file ends inside its header, after 4 bytes: it is truncated. Send the whole file.")]
    [InlineData("RIFFxxxxWEBPVP9 ", "The webp header is broken: its first chunk is none of VP8, VP8L and VP8X. Save the picture again and send that.")]
    public void Read_BadText_SaysWhatToDo(string file, string message) =>
        Assert.Equal(message, Refusal([.. file.Select(c => (byte)c)]));

    [Fact]
    public void Read_BadHeaders_SayWhatToDo()
    {
        Assert.Equal("The png header says 0×5 pixels; both sides must be at least 1.", Refusal(ImageFiles.Png(0, 5)));
        Assert.Equal(
            "The png header is broken: 4294967295×1 pixels are more than the format allows. Save the picture again and send that.",
            Refusal(ImageFiles.Png(uint.MaxValue, 1)));
        Assert.Equal(
            "The jpeg file ends inside its header, after 40 bytes: it is truncated. Send the whole file.",
            Refusal(File.ReadAllBytes(GoldenFolder.Of("file-forms", "jpeg-420.jpg"))[..40]));
    }

    [Fact]
    public void Read_SixtyThousandSquare_RefusedByTheHeader() =>
        Assert.Equal(
            "The png image is 60,000×60,000 pixels; no side may be longer than 16,384. Scale it down.",
            Refusal(ImageFiles.Png(60_000, 60_000), new ImageLimits()));

    [Fact]
    public void Read_PastALimit_NamesValueLimitAndWayOut()
    {
        Assert.Equal(
            "The png image is 1,001×1,000 pixels, 1,001,000 in all; at most 1,000,000 are taken. Scale it down.",
            Refusal(ImageFiles.Png(1001, 1000), new ImageLimits { MaxPixels = 1_000_000 }));
        Assert.Equal(
            "The image file has 45 bytes; at most 44 are taken. Send a smaller or more compressed one.",
            Refusal(ImageFiles.Png(1, 1, ("IEND", []))[..45], new ImageLimits { MaxBytes = 44 }));
        var info = ImageHeader.Read(ImageFiles.Png(1000, 1000), new ImageLimits { MaxPixels = 1_000_000, MaxSide = 1000 });
        Assert.Equal(1000, info.Width);
    }

    private static string Refusal(byte[] file) => Assert.Throws<BadImageException>(() => ImageHeader.Read(file)).Message;

    private static string Refusal(byte[] file, ImageLimits limits) =>
        Assert.Throws<BadImageException>(() => ImageHeader.Read(file, limits)).Message;
}
