using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>Pictures of noise, already cut into tiles: the kernels do not care what they show.</summary>
internal static class NoisePicture
{
    /// <summary>The tiles of a picture.</summary>
    public static ImageTiles Of(LlavaConfig config, int width, int height, int seed)
    {
        var geometry = AnyResGrid.Layout(config.Images, width, height);
        var random = new Random(seed);
        var side = config.Vision.ImageSide;
        var bytes = new byte[geometry.Tiles * 3 * side * side];
        random.NextBytes(bytes);
        return new ImageTiles(geometry, side, bytes, new PixelLevels(config.Images));
    }

    /// <summary>Its address.</summary>
    public static ImageHash HashOf(int seed) => ImageHash.Of(BitConverter.GetBytes(seed));
}
