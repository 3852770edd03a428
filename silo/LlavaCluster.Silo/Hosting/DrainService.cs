using LlavaCluster.Grains.Fleet;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// The first to stop, while silo, engines and edge still work: (1) says "not ready" and takes nothing new, (2) waits for what runs here, and
/// gives away the KV of the conversations that are idle, (3) has what does not end in time go on elsewhere. Registered last, since hosted
/// services stop in the reverse order of their start.
/// </summary>
internal sealed partial class DrainService(
    Readiness readiness, SiloDrain silo, NodeOptions node, TimeProvider time, ILogger<DrainService> logger) : IHostedService
{
    /// <summary>Sessions need one step of the engine to let go of their sequences.</summary>
    private static readonly TimeSpan HandOverTime = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        readiness.SetReady();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // (1)
        var idle = readiness.DrainAsync();
        if (readiness.Turns > 0 || silo.Left > 0)
        {
            LogDraining(readiness.Turns, silo.Left, node.DrainSeconds);
        }

        // (2)
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(node.DrainSeconds), time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await Task.WhenAll(RestAsync(idle, end.Token), silo.GiveAwayAsync(end.Token));
            // What ended meanwhile.
            await silo.GiveAwayAsync(end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            LogCut(readiness.Turns, silo.Left);
        }

        // (3)
        await silo.HandOverAsync(HandOverTime);
    }

    private async Task RestAsync(Task idle, CancellationToken cancellationToken)
    {
        await idle.WaitAsync(cancellationToken);
        await silo.IdleAsync(cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Draining: {Turns} turns may go on for {Seconds} s; {Left} sequences and tiles are under way.")]
    private partial void LogDraining(int turns, int left, int seconds);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Turns} turns did not end in time and are cut, {Left} sequences and tiles are handed over; they go on when they are asked for again.")]
    private partial void LogCut(int turns, int left);
}
