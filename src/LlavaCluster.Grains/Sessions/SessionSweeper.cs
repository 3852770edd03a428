using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// Deletes sessions that nobody used for long. Every gateway silo has one: a session that two of them find is gone for the second.
/// </summary>
internal sealed partial class SessionSweeper(
    ITurnLog log, IGrainFactory grains, IOptions<SessionOptions> options, TimeProvider time, ILogger<SessionSweeper> logger)
    : Sweeper(options.Value.ExpireHours, time)
{
    /// <inheritdoc/>
    public override async Task SweepAsync(CancellationToken cancellationToken)
    {
        var usedBefore = UsedBefore;
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sessions that expired cannot be deleted now; they are tried again later.")]
    private partial void LogLater(Exception error);
}
