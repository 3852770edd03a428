using LlavaCluster.Core.Imaging;
using Xunit;

namespace LlavaCluster.Core.Tests.Imaging;

public sealed class UprightPixelsTests
{
    /// <summary>A stored picture of two rows, abc and def, as EXIF 2.32 says it is to be seen.</summary>
    [Theory]
    [InlineData(1, "abc|def")]
    [InlineData(2, "cba|fed")]
    [InlineData(3, "fed|cba")]
    [InlineData(4, "def|abc")]
    [InlineData(5, "ad|be|cf")]
    [InlineData(6, "da|eb|fc")]
    [InlineData(7, "fc|eb|da")]
    [InlineData(8, "cf|be|ad")]
    public void Of_EachOrientation_IsSeenUpright(int orientation, string expected)
    {
        var rgba = "abcdef"u8.ToArray().SelectMany(level => new byte[] { level, (byte)(level + 50), (byte)(level + 100), 0 }).ToArray();

        var picture = UprightPixels.Of(rgba, 3, 2, orientation);

        var rows = Enumerable.Range(0, picture.Height).Select(y => string.Concat(
            Enumerable.Range(0, picture.Width).Select(x => (char)picture.Rgb[((y * picture.Width) + x) * 3])));
        Assert.Equal(expected, string.Join('|', rows));
        Assert.All(Enumerable.Range(0, 6), i => Assert.Equal(
            (picture.Rgb[i * 3] + 50, picture.Rgb[i * 3] + 100), (picture.Rgb[(i * 3) + 1], picture.Rgb[(i * 3) + 2])));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public void Of_SizesAroundTheBlocks_KeepsEveryPixel(int orientation)
    {
        foreach (var (width, height) in new[] { (1, 1), (5, 3), (16, 16), (63, 65), (64, 64), (130, 129) })
        {
            var rgba = new byte[width * height * 4];
            new Random(width).NextBytes(rgba);

            var picture = UprightPixels.Of(rgba, width, height, orientation);

            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    var at = orientation == 1 ? (y * width) + x : (x * height) + (height - 1 - y);
                    Assert.Equal(rgba.AsSpan(((y * width) + x) * 4, 3), picture.Rgb.AsSpan(at * 3, 3));
                }
            }
        }
    }

    [Theory]
    [InlineData(23, 1)]
    [InlineData(24, 0)]
    [InlineData(24, 9)]
    public void Of_WrongLengthOrOrientation_Throws(int length, int orientation) =>
        Assert.Throws<ArgumentException>(() => UprightPixels.Of(new byte[length], 3, 2, orientation));
}
