namespace LlavaCluster.Core.Engine;

/// <summary>What an encode loop takes on and keeps.</summary>
public sealed record EncodeLoopOptions
{
    /// <summary>Images that are decoded and cut at once.</summary>
    public int Decoders { get; init; } = 2;

    /// <summary>Tiles that usually go through the tower at once: two images of 5.</summary>
    public const int UsualBatchTiles = 10;

    /// <summary>Tiles that go through the tower at once; an image with more goes alone.</summary>
    public int BatchTiles { get; init; } = UsualBatchTiles;

    /// <summary>Bytes of features that are kept.</summary>
    public long FeatureBytes { get; init; } = 512L << 20;

    /// <summary>Bytes of tiles that are kept between check and encoding.</summary>
    public long TileBytes { get; init; } = 128L << 20;
}
