using System.Buffers;
using LlavaCluster.Core.Imaging;
using SkiaSharp;

namespace LlavaCluster.Model.Vision;

/// <summary>
/// Decodes pictures with SkiaSharp, as Pillow's <c>exif_transpose</c> and <c>convert("RGB")</c> do: straight alpha (Skia would
/// multiply the colours by it), no colour management (Pillow leaves ICC profiles and gamma alone), first frame. One departure:
/// of 16-bit PNGs the high byte is taken; Pillow does so too, but for grey ones it cuts all above 255 to white, which no model
/// has been trained on. Any thread, several at once.
/// </summary>
public sealed class ImageDecoder : IImageDecoder
{
    /// <inheritdoc/>
    public PixelBuffer Decode(ReadOnlySpan<byte> file, ImageLimits limits)
    {
        var info = ImageHeader.Read(file, limits);
        if (info.Format != "gif")
        {
            return Decode(file, info, uncovered: null);
        }

        var opaque = OpaqueGif.Of(file, out var uncovered);
        return Decode(opaque, info, uncovered);
    }

    private static unsafe PixelBuffer Decode(ReadOnlySpan<byte> file, ImageInfo info, (byte R, byte G, byte B)? uncovered)
    {
        fixed (byte* bytes = file)
        {
            using var data = SKData.Create((nint)bytes, file.Length);
            using var codec = SKCodec.Create(data)
                ?? throw new BadImageException(
                    $"The {info.Format} file cannot be read: it is damaged or cut short. "
                    + "Send the whole file, or save the picture again and send that.");
            var (width, height) = info.Orientation >= 5 ? (info.Height, info.Width) : (info.Width, info.Height);
            if (codec.Info.Width != width || codec.Info.Height != height)
            {
                // The limits were held against the header's numbers: the decoder must mean the same ones.
                throw new BadImageException(
                    $"The {info.Format} file contradicts itself: {width}×{height} pixels in its header, "
                    + $"{codec.Info.Width}×{codec.Info.Height} in its data. Save the picture again and send that.");
            }

            var size = checked(width * height * 4);
            var rgba = ArrayPool<byte>.Shared.Rent(size);
            try
            {
                var pixels = rgba.AsSpan(0, size);
                Fill(codec, pixels, width, height, info.Format);
                if (uncovered is { } colour)
                {
                    Cover(pixels, colour);
                }

                return UprightPixels.Of(pixels, width, height, info.Orientation);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(rgba);
            }
        }
    }

    private static unsafe void Fill(SKCodec codec, Span<byte> pixels, int width, int height, string format)
    {
        var wanted = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul, colorspace: null);
        SKCodecResult result;
        fixed (byte* target = pixels)
        {
            result = codec.GetPixels(wanted, (nint)target, width * 4, SKCodecOptions.Default);
        }

        if (result != SKCodecResult.Success)
        {
            throw new BadImageException(result == SKCodecResult.IncompleteInput
                ? $"The {format} file ends before its picture does: it is truncated. Send the whole file."
                : $"The {format} file cannot be decoded ({result}): its data is damaged or cut short. "
                    + "Send the whole file, or save the picture again and send that.");
        }
    }

    /// <summary>Gives pixels that the frame did not cover their colour; with no transparent colour left they alone have alpha 0.</summary>
    private static void Cover(Span<byte> rgba, (byte R, byte G, byte B) colour)
    {
        for (var i = 0; i < rgba.Length; i += 4)
        {
            if (rgba[i + 3] == 0)
            {
                (rgba[i], rgba[i + 1], rgba[i + 2]) = colour;
            }
        }
    }
}
