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
        var pixels = new float[geometry.Tiles * 3 * side * side];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (float)((random.NextDouble() * 4) - 2);
        }

        return new ImageTiles(geometry, side, [], pixels);
    }

    /// <summary>Its address.</summary>
    public static ImageHash HashOf(int seed) => ImageHash.Of(BitConverter.GetBytes(seed));
}
