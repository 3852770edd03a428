using LlavaCluster.Core.Engine;

namespace LlavaCluster.Grains.Contracts;

/// <summary>One encoder; the key is its id. Images are named by hash: their bytes come from the image store.</summary>
[Alias("llava.IEncoderGrain")]
public interface IEncoderGrain : IGrainWithStringKey
{
    /// <summary>Decodes the image, so that a bad one is known before its turn is accepted; its tiles are kept for a while.</summary>
    /// <exception cref="TurnRefusedException">InvalidArgument: a bad image. NotFound: no such image in the store.</exception>
    [ResponseTimeout("00:02:00")]
    [Alias("Check")]
    Task Check(string image, CancellationToken cancellationToken = default);

    /// <summary>The image's features: one header, then the bytes in order. Small batches, one at a time.</summary>
    /// <exception cref="TurnRefusedException">InvalidArgument: a bad image. NotFound: no such image in the store.</exception>
    [Alias("Features")]
    IAsyncEnumerable<FeatureMessage> Features(string image, CancellationToken cancellationToken = default);

    /// <summary>Forgets what is kept of these images, which are stored no more.</summary>
    [Alias("Forget")]
    Task Forget(IReadOnlyList<string> images);

    /// <summary>Who encodes an image that this encoder decides on; the same for everybody who asks.</summary>
    /// <param name="image">Hash, hexadecimal digits.</param>
    /// <param name="tiles">Tiles that it has.</param>
    /// <returns>An encoder's id.</returns>
    [Alias("Assign")]
    Task<string> Assign(string image, int tiles);
}

/// <summary>A part of an image's features on their way.</summary>
[GenerateSerializer, Immutable, Alias("llava.Feature")]
public abstract record FeatureMessage;

/// <summary>What the features are; comes first.</summary>
/// <param name="Width">Pixels of a row of the upright picture.</param>
/// <param name="Height">Rows of the upright picture.</param>
/// <param name="Tiles">Tiles.</param>
/// <param name="PatchesPerTile">Patches of a tile.</param>
/// <param name="Channels">Width of the vision tower.</param>
/// <param name="Type">Number form.</param>
[GenerateSerializer, Immutable, Alias("llava.FeatureHeader")]
public sealed record FeatureHeaderMessage(
    [property: Id(0)] int Width,
    [property: Id(1)] int Height,
    [property: Id(2)] int Tiles,
    [property: Id(3)] int PatchesPerTile,
    [property: Id(4)] int Channels,
    [property: Id(5)] FeatureType Type) : FeatureMessage;

/// <summary>Bytes of the features.</summary>
/// <param name="Offset">Where they belong, bytes from the start.</param>
/// <param name="Bytes">The bytes; the receiver disposes them.</param>
[GenerateSerializer, Immutable, Alias("llava.FeatureChunk")]
public sealed record FeatureChunkMessage([property: Id(0)] long Offset, [property: Id(1)] FeatureBytes Bytes) : FeatureMessage;
