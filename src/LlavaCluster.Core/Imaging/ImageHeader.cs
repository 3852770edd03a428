using System.Globalization;
using System.Text;

namespace LlavaCluster.Core.Imaging;

/// <summary>
/// Size, format and EXIF orientation of an image file from its header alone: no pixel is decoded and nothing past the span is
/// read, whatever the bytes say. Pure; any thread.
/// </summary>
public static class ImageHeader
{
    private const string Forms = "send PNG, JPEG, WebP, GIF or BMP";

    /// <summary>
    /// Reads the header. Give the whole file where there is one: PNG and WebP may keep the orientation behind the pixels.
    /// </summary>
    /// <exception cref="BadImageException">Zero bytes, not an image that we take, or a header that is cut short or broken.</exception>
    public static ImageInfo Read(ReadOnlySpan<byte> file)
    {
        var stored = ReadStored(file);
        return stored.Orientation >= 5
            ? new ImageInfo(stored.Format, stored.Height, stored.Width, stored.Orientation)
            : new ImageInfo(stored.Format, stored.Width, stored.Height, stored.Orientation);
    }

    /// <summary>Reads the header and holds file and picture against <paramref name="limits"/>.</summary>
    /// <exception cref="BadImageException">As <see cref="Read(ReadOnlySpan{byte})"/>, or past a limit.</exception>
    public static ImageInfo Read(ReadOnlySpan<byte> file, ImageLimits limits)
    {
        limits.CheckBytes(file.Length);
        var info = Read(file);
        limits.Check(info);
        return info;
    }

    private static StoredImage ReadStored(ReadOnlySpan<byte> file)
    {
        if (file.IsEmpty)
        {
            throw new BadImageException($"The image has zero bytes; {Forms}.");
        }

        StoredImage stored;
        if (file.StartsWith(PngHeader.Signature))
        {
            stored = PngHeader.Read(file);
        }
        else if (file.StartsWith(JpegHeader.Signature))
        {
            stored = JpegHeader.Read(file);
        }
        else if (file.StartsWith("RIFF"u8) && file.Length >= 12 && file[8..].StartsWith("WEBP"u8))
        {
            stored = WebpHeader.Read(file);
        }
        else if (file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8))
        {
            stored = GifHeader.Read(file);
        }
        else if (file.StartsWith("BM"u8))
        {
            stored = BmpHeader.Read(file);
        }
        else
        {
            throw new BadImageException($"Not an image: the file begins with {Shown(file)}; {Forms}.");
        }

        return stored is { Width: > 0, Height: > 0 }
            ? stored
            : throw new BadImageException(string.Create(
                CultureInfo.InvariantCulture,
                $"The {stored.Format} header says {stored.Width:N0}×{stored.Height:N0} pixels; both sides must be at least 1."));
    }

    /// <summary>The first bytes as hexadecimal digits and as characters.</summary>
    private static string Shown(ReadOnlySpan<byte> file)
    {
        var start = file[..Math.Min(file.Length, 8)];
        var text = new StringBuilder();
        foreach (var value in start)
        {
            text.Append(value is >= 0x20 and < 0x7F ? (char)value : '.');
        }

        return $"{Convert.ToHexString(start)} (\"{text}\")";
    }
}
