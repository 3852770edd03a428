namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// The first to stop: refuses new turns and waits for the running ones, while silo, engines and edge still work.
/// Registered last,
/// since hosted services stop in the reverse order of their start.
/// </summary>
internal sealed partial class DrainService(
    Readiness readiness, NodeOptions node, TimeProvider time, ILogger<DrainService> logger) : IHostedService
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        readiness.SetReady();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var idle = readiness.DrainAsync();
        if (readiness.Turns > 0)
        {
            LogDraining(readiness.Turns, node.DrainSeconds);
        }

        try
        {
            await idle.WaitAsync(TimeSpan.FromSeconds(node.DrainSeconds), time, cancellationToken);
        }
        catch (TimeoutException)
        {
            LogCut(readiness.Turns);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Draining: {Turns} turns may go on for {Seconds} s.")]
    private partial void LogDraining(int turns, int seconds);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Turns} turns did not end in time and are cut; they go on when they are asked for again.")]
    private partial void LogCut(int turns);
}
