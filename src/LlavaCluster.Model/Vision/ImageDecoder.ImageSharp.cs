using System.Buffers;
using System.Runtime.InteropServices;
using LlavaCluster.Core.Imaging;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using DecoderOptions = SixLabors.ImageSharp.Formats.DecoderOptions;
using ImageInfo = LlavaCluster.Core.Imaging.ImageInfo;

namespace LlavaCluster.Model.Vision;

/// <summary>
/// Decodes pictures with ImageSharp, for hosts without Skia's native library (<c>-p:ImageLibrary=ImageSharp</c>). Lossless files
/// of 8 bits give the pixels of the default decoder; JPEG, lossy WebP and 16-bit PNG may differ by a level or two. Any thread,
/// several at once.
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
        using var image = Load(file, info.Format);
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

    private static Image<Rgba32> Load(ReadOnlySpan<byte> file, string format)
    {
        try
        {
            return Image.Load<Rgba32>(FirstFrame, file);
        }
        catch (Exception e)
        {
            // All kinds: for crafted files the library lets the runtime's own exceptions through (its issue 3074).
            throw new BadImageException(
                $"The {format} file cannot be decoded: its data is damaged or cut short. "
                + "Send the whole file, or save the picture again and send that.",
                e);
        }
    }
}
