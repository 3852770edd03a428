using System.Runtime.CompilerServices;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Placement;
using Orleans.Concurrency;
using Orleans.Placement;

namespace LlavaCluster.Grains.Encoding;

/// <summary>The address of one encode engine: brings it the bytes of images and takes features from it in chunks.</summary>
[OwnerPlacement(SiloRole.EncoderKey), Immovable, KeepAlive, Reentrant]
internal sealed class EncoderGrain(IImageEncodeEngine engine, IImageStore images) : Grain, IEncoderGrain
{
    /// <inheritdoc/>
    public async Task Check(string image, CancellationToken cancellationToken = default)
    {
        var hash = new ImageHash(image);
        try
        {
            await engine.CheckAsync(hash, await FileOf(hash, cancellationToken), cancellationToken);
        }
        catch (BadImageException error)
        {
            throw new TurnRefusedException(RefusalCode.InvalidArgument, error.Message);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FeatureMessage> Features(
        string image, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var features = await FeaturesOf(new ImageHash(image), cancellationToken);
        yield return new FeatureHeaderMessage(
            features.Width, features.Height, features.Tiles, features.PatchesPerTile, features.Channels, features.Type);
        for (var offset = 0; offset < features.Data.Length; offset += FeatureBytes.MaxLength)
        {
            var length = Math.Min(FeatureBytes.MaxLength, features.Data.Length - offset);
            yield return new FeatureChunkMessage(offset, FeatureBytes.Borrow(features.Data.Slice(offset, length)));
        }
    }

    /// <inheritdoc/>
    public Task<int> Outstanding() => Task.FromResult(engine.TilesOutstanding);

    private async Task<ImageFeatures> FeaturesOf(ImageHash hash, CancellationToken cancellationToken)
    {
        try
        {
            return await engine.EncodeAsync(hash, await FileOf(hash, cancellationToken), cancellationToken);
        }
        catch (BadImageException error)
        {
            throw new TurnRefusedException(RefusalCode.InvalidArgument, error.Message);
        }
    }

    private async Task<ReadOnlyMemory<byte>> FileOf(ImageHash hash, CancellationToken cancellationToken) =>
        await images.TryGetAsync(hash, cancellationToken)
        ?? throw new TurnRefusedException(RefusalCode.NotFound, $"There is no image {hash}; send its bytes, or put it first.");
}
