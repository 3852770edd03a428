using LlavaCluster.Core.Sessions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// Deletes images that were put and that no turn came to use. Every gateway silo has one: an image that two of them find is gone for the
/// second.
/// </summary>
internal sealed partial class ImageSweeper(
    IImageStore images, SessionCaches caches, IOptions<SessionOptions> options, TimeProvider time, ILogger<ImageSweeper> logger) : BackgroundService
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>Goes over all images once.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            var gone = await images.SweepAsync(time.GetUtcNow() - TimeSpan.FromHours(options.Value.UnusedImageHours), cancellationToken);
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

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.UnusedImageHours == 0)
        {
            return;
        }

        var pause = TimeSpan.FromHours(options.Value.UnusedImageHours) / 10;
        using var timer = new PeriodicTimer(pause < LongestPause ? pause : LongestPause, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await SweepAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} images that no turn has used for {Hours} h are deleted.")]
    private partial void LogSwept(int count, int hours);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Images that nobody uses cannot be deleted now; they are tried again later.")]
    private partial void LogLater(Exception error);
}
