using LlavaCluster.Core.Imaging;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Core.Tests.Imaging;

/// <summary>Hostile bytes: whatever the header says, the reader answers or throws its own exception.</summary>
public sealed class ImageHeaderFuzzTests
{
    [Fact]
    public void Read_MutatedFiles_OnlyBadImageExceptions()
    {
        var files = MutatedFiles.Originals();
        files.Add(ImageFiles.Webp(("VP8X", ImageFiles.Vp8x(8, 30, 20)), ("EXIF", ImageFiles.Exif(true, 3, 6))));
        files.Add(ImageFiles.Png(30, 20, ("eXIf", ImageFiles.Exif(false, 3, 6))));
        var random = new Random(2024);
        int read = 0, refused = 0;
        foreach (var original in files)
        {
            for (var i = 0; i < 1_000; i++)
            {
                var file = MutatedFiles.Mutate(original, random, headerBytes: 120);
                try
                {
                    var info = ImageHeader.Read(file);
                    Assert.True(info is { Width: > 0, Height: > 0, Orientation: >= 1 and <= 8 });
                    OpaqueGifOf(info, file);
                    read++;
                }
                catch (BadImageException)
                {
                    refused++;
                }
            }
        }

        Assert.True(read > 1_000 && refused > 1_000, $"{read} read, {refused} refused");
    }

    [Fact]
    public void Read_EveryPrefix_OnlyBadImageExceptions()
    {
        foreach (var original in MutatedFiles.Originals())
        {
            var whole = ImageHeader.Read(original);
            for (var length = 0; length < Math.Min(original.Length, 1_000); length++)
            {
                try
                {
                    Assert.Equal(whole.Format, ImageHeader.Read(original.AsSpan(0, length)).Format);
                }
                catch (BadImageException)
                {
                }
            }
        }
    }

    private static void OpaqueGifOf(ImageInfo info, byte[] file)
    {
        if (info.Format == "gif")
        {
            Assert.Equal(file.Length, OpaqueGif.Of(file, out _).Length);
        }
    }
}
