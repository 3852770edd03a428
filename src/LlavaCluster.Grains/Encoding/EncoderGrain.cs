using System.Runtime.CompilerServices;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Placement;

namespace LlavaCluster.Grains.Encoding;

/// <summary>The address of one encode engine: brings it the bytes of images and takes features from it in chunks.</summary>
[OwnerPlacement(SiloRole.EncoderKey), Immovable, KeepAlive, Reentrant]
internal sealed partial class EncoderGrain(
    IImageEncodeEngine engine, IImageStore images, ClusterView view, ILogger<EncoderGrain> logger) : Grain, IEncoderGrain
{
    private readonly ImageAssignments _assignments = new();

    /// <inheritdoc/>
    public async Task Check(string image, CancellationToken cancellationToken = default)
    {
        var hash = new ImageHash(image);
        var file = await FileOf(hash, cancellationToken);
        await Guarded(hash, async () =>
        {
            await engine.CheckAsync(hash, file, cancellationToken);
            return true;
        });
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FeatureMessage> Features(
        string image, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var hash = new ImageHash(image);
        var file = await FileOf(hash, cancellationToken);
        var features = await Guarded(hash, () => engine.EncodeAsync(hash, file, cancellationToken));
        yield return new FeatureHeaderMessage(
            features.Width, features.Height, features.Tiles, features.PatchesPerTile, features.Channels, features.Type);
        for (var offset = 0; offset < features.Data.Length; offset += FeatureBytes.MaxLength)
        {
            var length = Math.Min(FeatureBytes.MaxLength, features.Data.Length - offset);
            yield return new FeatureChunkMessage(offset, FeatureBytes.Borrow(features.Data.Slice(offset, length)));
        }
    }

    /// <inheritdoc/>
    public Task Forget(IReadOnlyList<string> images)
    {
        foreach (var image in images)
        {
            engine.Forget(new ImageHash(image));
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<string> Assign(string image, int tiles)
    {
        var encoders = view.Encoders();
        return Task.FromResult(encoders.Count == 0 ? this.GetPrimaryKeyString() : _assignments.Assign(image, tiles, encoders));
    }

    /// <summary>Exceptions of the engine as those that may cross to another silo.</summary>
    private async Task<T> Guarded<T>(ImageHash hash, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (BadImageException error)
        {
            throw new TurnRefusedException(RefusalCode.InvalidArgument, error.Message);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            LogFailed(hash.Hex, error);
            throw new InvalidOperationException($"Encoder {this.GetPrimaryKeyString()} failed on image {hash}: {error.Message}");
        }
    }

    private async Task<ReadOnlyMemory<byte>> FileOf(ImageHash hash, CancellationToken cancellationToken)
    {
        try
        {
            return await images.TryGetAsync(hash, cancellationToken)
                ?? throw new TurnRefusedException(RefusalCode.NotFound, $"There is no image {hash}; send its bytes, or put it first.");
        }
        catch (StoreUnavailableException error)
        {
            throw new TurnRefusedException(RefusalCode.Unavailable, error.Message, TimeSpan.FromSeconds(1));
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The encoder failed on image {Image}.")]
    private partial void LogFailed(string image, Exception error);
}
