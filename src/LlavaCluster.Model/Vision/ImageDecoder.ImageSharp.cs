using System.Buffers;
using System.Runtime.InteropServices;
using LlavaCluster.Core.Imaging;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.PixelFormats;

namespace LlavaCluster.Model.Vision;

/// <summary>
/// Decodes pictures with ImageSharp, for hosts without Skia's native library (<c>-p:ImageLibrary=ImageSharp</c>). Lossless files
/// give the pixels of the default decoder; JPEG and lossy WebP may differ by a level or two. Any thread, several at once.
/// </summary>
public sealed class ImageDecoder : IImageDecoder
{
    // Metadata is skipped: the orientation is read by ImageHeader, profiles are not applied.
    private static readonly DecoderOptions FirstFrame = new() { MaxFrames = 1, SkipMetadata = true };

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

    private static PixelBuffer Decode(ReadOnlySpan<byte> file, ImageInfo info, (byte R, byte G, byte B)? uncovered)
    {
        try
        {
            using var image = Image.Load<Rgba32>(FirstFrame, file);
            var (width, height) = info.Orientation >= 5 ? (info.Height, info.Width) : (info.Width, info.Height);
            if (image.Width != width || image.Height != height)
            {
                throw new BadImageException(
                    $"The {info.Format} file contradicts itself: {width}×{height} pixels in its header, "
                    + $"{image.Width}×{image.Height} in its data. Save the picture again and send that.");
            }

            var count = checked(width * height);
            var rented = ArrayPool<Rgba32>.Shared.Rent(count);
            try
            {
                var pixels = rented.AsSpan(0, count);
                image.CopyPixelDataTo(pixels);
                if (uncovered is { } colour)
                {
                    // With no transparent colour left, only what the frame does not cover has alpha 0.
                    pixels.Replace(default, new Rgba32(colour.R, colour.G, colour.B, 0));
                }

                return UprightPixels.Of(MemoryMarshal.AsBytes(pixels), width, height, info.Orientation);
            }
            finally
            {
                ArrayPool<Rgba32>.Shared.Return(rented);
            }
        }
        catch (Exception e) when (e is ImageFormatException or NotSupportedException or InvalidMemoryOperationException)
        {
            throw new BadImageException(
                $"The {info.Format} file cannot be decoded: its data is damaged or cut short. "
                + "Send the whole file, or save the picture again and send that.",
                e);
        }
    }
}
