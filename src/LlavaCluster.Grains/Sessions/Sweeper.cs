using Microsoft.Extensions.Hosting;

namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// Deletes what nobody used for a number of hours: goes over everything ten times in that time, once an hour at least. Runs until the
/// silo stops.
/// </summary>
/// <param name="hours">How long a thing may be unused; 0: it is never deleted.</param>
/// <param name="time">The clock.</param>
internal abstract class Sweeper(int hours, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>What was last used before is to go now.</summary>
    protected DateTimeOffset UsedBefore => time.GetUtcNow() - TimeSpan.FromHours(hours);

    /// <summary>Goes over everything once. A store that cannot be reached is logged, not thrown.</summary>
    public abstract Task SweepAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (hours == 0)
        {
            return;
        }

        var pause = TimeSpan.FromHours(hours) / 10;
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
}
