using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Engine;

/// <summary>The vision tower: tiles to features. One thread at a time: the encode loop's.</summary>
public interface IVisionEncoder : IDisposable
{
    /// <summary>Runs all tiles of these images through the tower.</summary>
    /// <param name="images">Image address and its tiles, in any number.</param>
    /// <returns>One entry per image, in order. Plain memory, owned by the caller.</returns>
    IReadOnlyList<ImageFeatures> Encode(IReadOnlyList<(ImageHash Image, ImageTiles Tiles)> images);
}
