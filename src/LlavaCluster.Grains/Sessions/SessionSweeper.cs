using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// Deletes sessions that nobody used for long. Every gateway silo has one: a session that two of them find is gone for the second.
/// </summary>
internal sealed partial class SessionSweeper(
    ITurnLog log, IGrainFactory grains, IOptions<SessionOptions> options, TimeProvider time, ILogger<SessionSweeper> logger) : BackgroundService
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>Goes over all sessions once.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var usedBefore = time.GetUtcNow() - TimeSpan.FromHours(options.Value.ExpireHours);
        try
        {
            await foreach (var session in log.ListAsync(usedBefore, cancellationToken))
            {
                await grains.GetGrain<ISessionGrain>(session.Session).Expire(usedBefore);
            }
        }
        catch (Exception error) when (error is StoreUnavailableException or TurnRefusedException or OrleansException or TimeoutException)
        {
            LogLater(error);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.ExpireHours == 0)
        {
            return;
        }

        var pause = TimeSpan.FromHours(options.Value.ExpireHours) / 10;
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sessions that expired cannot be deleted now; they are tried again later.")]
    private partial void LogLater(Exception error);
}
