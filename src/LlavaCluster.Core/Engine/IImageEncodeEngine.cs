using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Engine;

/// <summary>The engine of one encoder, as its grain sees it: bytes to features. Any thread.</summary>
public interface IImageEncodeEngine
{
    /// <summary>Decodes, cuts and encodes an image; an image that is known or under way is not computed again.</summary>
    /// <exception cref="BadImageException">The image cannot be decoded.</exception>
    Task<ImageFeatures> EncodeAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken);

    /// <summary>Decodes and cuts an image, so that a bad one is known early; the tiles are kept for a while, nothing is encoded.</summary>
    /// <exception cref="BadImageException">The image cannot be decoded.</exception>
    Task CheckAsync(ImageHash image, ReadOnlyMemory<byte> file, CancellationToken cancellationToken);

    /// <summary>Forgets what is kept of an image: nobody has it any more.</summary>
    void Forget(ImageHash image);

    /// <summary>Tiles that wait or are under way.</summary>
    int TilesOutstanding { get; }

    /// <summary>Tiles that were encoded since the start.</summary>
    long TilesEncoded { get; }
}
