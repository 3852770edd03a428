using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace LlavaCluster.Core.Imaging;

/// <summary>What an image may measure. Checked on the header, before any pixel is decoded.</summary>
public sealed class ImageLimits
{
    /// <summary>Largest file, bytes.</summary>
    [Range(1, 1 << 30)]
    public int MaxBytes { get; set; } = 20 << 20;

    /// <summary>Most pixels (width × height).</summary>
    [Range(1L, 1L << 30)]
    public long MaxPixels { get; set; } = 64L << 20;

    /// <summary>Longest side, pixels.</summary>
    [Range(1, 65_535)]
    public int MaxSide { get; set; } = 16_384;

    /// <summary>Refuses a file that is too large, before anything of it is read.</summary>
    /// <exception cref="BadImageException">Past <see cref="MaxBytes"/>.</exception>
    public void CheckBytes(long bytes)
    {
        if (bytes > MaxBytes)
        {
            throw Refused($"The image file has {bytes:N0} bytes; at most {MaxBytes:N0} are taken. Send a smaller or more compressed one.");
        }
    }

    /// <summary>Refuses a picture that is too large, before any pixel is decoded.</summary>
    /// <exception cref="BadImageException">Past <see cref="MaxSide"/> or <see cref="MaxPixels"/>.</exception>
    public void Check(ImageInfo info)
    {
        var size = string.Create(CultureInfo.InvariantCulture, $"The {info.Format} image is {info.Width:N0}×{info.Height:N0} pixels");
        if (Math.Max(info.Width, info.Height) > MaxSide)
        {
            throw Refused($"{size}; no side may be longer than {MaxSide:N0}. Scale it down.");
        }

        var pixels = (long)info.Width * info.Height;
        if (pixels > MaxPixels)
        {
            throw Refused($"{size}, {pixels:N0} in all; at most {MaxPixels:N0} are taken. Scale it down.");
        }
    }

    private static BadImageException Refused(FormattableString message) => new(FormattableString.Invariant(message));
}
