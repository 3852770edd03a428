namespace LlavaCluster.Core.Imaging;

/// <summary>
/// Turns an image file into pixels as Pillow's <c>exif_transpose</c> then <c>convert("RGB")</c> do: alpha is dropped without
/// blending, the first frame of an animation is taken. Any thread, several at once.
/// </summary>
public interface IImageDecoder
{
    /// <summary>Checks the header against <paramref name="limits"/>, then decodes.</summary>
    /// <exception cref="BadImageException">Not an image, a form that is not read, past a limit, or damaged.</exception>
    PixelBuffer Decode(ReadOnlySpan<byte> file, ImageLimits limits);
}
