using LlavaCluster.Core.Sessions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// Deletes images that were put and that no turn came to use. Every gateway silo has one: an image that two of them find is gone for the
/// second.
/// </summary>
internal sealed partial class ImageSweeper(
    IImageStore images, SessionCaches caches, IOptions<SessionOptions> options, TimeProvider time, ILogger<ImageSweeper> logger)
    : Sweeper(options.Value.UnusedImageHours, time)
{
    /// <inheritdoc/>
    public override async Task SweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            var gone = await images.SweepAsync(UsedBefore, cancellationToken);
            await caches.ForgetAsync(gone);
            if (gone.Count > 0)
            {
                LogSwept(gone.Count, options.Value.UnusedImageHours);
            }
        }
        catch (StoreUnavailableException error)
        {
            LogLater(error);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} images that no turn has used for {Hours} h are deleted.")]
    private partial void LogSwept(int count, int hours);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Images that nobody uses cannot be deleted now; they are tried again later.")]
    private partial void LogLater(Exception error);
}
