using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;
using Microsoft.Extensions.Logging;

namespace LlavaCluster.Grains.Decoding;

/// <summary>
/// Features from encoder grains. What they should measure follows from image and checkpoint, so the memory is taken by that, and a
/// sender that says otherwise is not believed. Any thread.
/// </summary>
internal sealed partial class GrainFeatureSource(
    IGrainFactory grains, ClusterView view, LlavaConfig config, ILogger<GrainFeatureSource> logger) : IFeatureSource
{
    /// <summary>Encoders that are asked, one after the other, before the image is given up.</summary>
    private const int MostAttempts = 3;

    /// <inheritdoc/>
    public async Task<ImageFeatures> GetAsync(ImageSpan span, string? encoder, CancellationToken cancellationToken)
    {
        var failed = new HashSet<string>();
        while (true)
        {
            var asked = encoder is not null && !failed.Contains(encoder) ? encoder : AnyEncoder(span, failed);
            try
            {
                return await PullAsync(span, asked, cancellationToken).ConfigureAwait(false);
            }
            catch (TurnRefusedException error) when (error.Code == RefusalCode.InvalidArgument)
            {
                throw new BadImageException(error.Message, error);
            }
            catch (Exception error) when (IsLoss(error) && failed.Add(asked) && failed.Count < MostAttempts && !cancellationToken.IsCancellationRequested)
            {
                LogElsewhere(asked, span.Image.Hex, error.Message);
            }
        }
    }

    /// <summary>The encoder is gone, or was while it sent: another one can do it.</summary>
    private static bool IsLoss(Exception error) => error
        is OrleansException
        or TimeoutException
        or EnumerationAbortedException
        or TurnRefusedException { Code: RefusalCode.Unavailable };

    private string AnyEncoder(ImageSpan span, IReadOnlySet<string> failed)
    {
        string[] encoders = [.. view.Encoders().Select(encoder => encoder.Encoder).Where(encoder => !failed.Contains(encoder))];
        return encoders.Length > 0
            ? EncoderPolicy.Choices(span.Image.Hex, encoders).First
            : throw new TurnRefusedException(
                RefusalCode.Unavailable, "No image encoder is serving. Try again in a moment.", TimeSpan.FromSeconds(1));
    }

    private async Task<ImageFeatures> PullAsync(ImageSpan span, string encoder, CancellationToken cancellationToken)
    {
        byte[]? data = null;
        FeatureHeaderMessage? header = null;
        long filled = 0;
        var parts = grains.Serving<IEncoderGrain>(encoder).Features(span.Image.Hex, cancellationToken).WithBatchSize(1);
        await foreach (var part in parts.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            switch (part)
            {
                case FeatureHeaderMessage first when header is null:
                    header = first;
                    data = new byte[Expected(span, header)];
                    break;
                case FeatureChunkMessage chunk when data is not null:
                    using (chunk.Bytes)
                    {
                        if (chunk.Offset != filled || filled + chunk.Bytes.Length > data.Length)
                        {
                            throw Broken(span, encoder, $"{chunk.Bytes.Length} bytes at {chunk.Offset} after {filled} of {data.Length}");
                        }

                        chunk.Bytes.Span.CopyTo(data.AsSpan((int)filled));
                        filled += chunk.Bytes.Length;
                    }

                    break;
                default:
                    throw Broken(span, encoder, $"an unexpected {part.GetType().Name}");
            }
        }

        if (header is null || filled != data!.Length)
        {
            throw Broken(span, encoder, $"{filled} of {data?.Length ?? 0} bytes");
        }

        return new ImageFeatures(
            span.Image, header.Width, header.Height, header.Tiles, header.PatchesPerTile, header.Channels, header.Type, data);
    }

    /// <summary>Bytes that these features must have.</summary>
    private int Expected(ImageSpan span, FeatureHeaderMessage header)
    {
        var tiles = AnyResGrid.Layout(config.Images, span.Width, span.Height).Tiles;
        if ((header.Width, header.Height, header.Tiles, header.PatchesPerTile, header.Channels)
            != (span.Width, span.Height, tiles, config.Vision.Patches, config.Vision.Hidden) || !Enum.IsDefined(header.Type))
        {
            throw new InvalidOperationException(
                $"Features of image {span.Image} are [{header.Tiles}, {header.PatchesPerTile}, {header.Channels}] ({header.Type}) of {header.Width}×{header.Height} pixels; " +
                $"this checkpoint has [{tiles}, {config.Vision.Patches}, {config.Vision.Hidden}] for {span.Width}×{span.Height}. Do all silos serve the same one?");
        }

        return checked(tiles * header.PatchesPerTile * header.Channels * (header.Type == FeatureType.Float32 ? 4 : 2));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Encoder {Encoder} was lost with image {Image}; another is asked. {Why}")]
    private partial void LogElsewhere(string encoder, string image, string why);

    private static InvalidOperationException Broken(ImageSpan span, string encoder, string what) =>
        new($"Encoder {encoder} sent features of image {span.Image} that do not fit together: {what}.");
}
