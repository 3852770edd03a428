using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Engine;

/// <summary>Number form of features on their way from encoder to decoder.</summary>
public enum FeatureType
{
    /// <summary>IEEE 32-bit: exact, for float32 serving.</summary>
    Float32,

    /// <summary>bfloat16.</summary>
    BFloat16,

    /// <summary>IEEE 16-bit.</summary>
    Float16,
}

/// <summary>Vision tower output of one image, before the projector.</summary>
/// <param name="Image">Address of the image.</param>
/// <param name="Width">Pixels of a row of the upright picture.</param>
/// <param name="Height">Rows of the upright picture.</param>
/// <param name="Tiles">Tiles, base tile first.</param>
/// <param name="PatchesPerTile">Patches of a tile (576).</param>
/// <param name="Channels">Width of the vision tower (1024).</param>
/// <param name="Type">Number form of <paramref name="Data"/>.</param>
/// <param name="Data">[tiles, patches, channels], little endian. Shared: not to be changed.</param>
public sealed record ImageFeatures(
    ImageHash Image, int Width, int Height, int Tiles, int PatchesPerTile, int Channels, FeatureType Type, ReadOnlyMemory<byte> Data)
{
    /// <summary>Bytes of one number.</summary>
    public int ElementSize => Type == FeatureType.Float32 ? 4 : 2;

    /// <summary>Bytes that <see cref="Data"/> must have.</summary>
    public long ExpectedBytes => (long)Tiles * PatchesPerTile * Channels * ElementSize;
}
