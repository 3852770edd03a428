namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// Begins to report to the replica's supervisor once the silo is a member of its cluster, and leaves the replica before the silo leaves:
/// registered after the silo.
/// </summary>
internal sealed class SeatService(ServedRank rank) : IHostedService
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        rank.Seat.Start();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken) => await rank.DisposeAsync();
}
