using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Placement;
using Microsoft.Extensions.Logging;

namespace LlavaCluster.Grains.Replicas;

/// <summary>Writes down what becomes of this silo's seat.</summary>
internal sealed partial class SeatLog(SiloRole role, ILogger<SeatLog> logger) : ISeatObserver
{
    /// <inheritdoc/>
    public void Formed(long epoch, int rank, int ranks, string carrier, TimeSpan took) =>
        LogFormed(rank, ranks, role.Replica, epoch, took.TotalMilliseconds, carrier);

    /// <inheritdoc/>
    public void Lost(long epoch, int rank, string why) => LogLost(rank, role.Replica, epoch, why);

    /// <inheritdoc/>
    public void NotFormed(long epoch, int rank, string why) => LogNotFormed(rank, role.Replica, epoch, why);

    /// <inheritdoc/>
    public void Refused(string why) => LogRefused(role.Replica, why);

    /// <inheritdoc/>
    public void Prepares(int rank) => LogPrepares(rank, role.Replica);

    /// <inheritdoc/>
    public void NotPrepared(int rank, Exception error) => LogNotPrepared(rank, role.Replica, error);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Rank {Rank} of {Ranks} of replica {Replica} serves in epoch {Epoch}, formed in {Milliseconds:F0} ms; its numbers travel by {Carrier}.")]
    private partial void LogFormed(int rank, int ranks, string replica, long epoch, double milliseconds, string carrier);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Rank {Rank} of replica {Replica}: epoch {Epoch} is over. {Why}")]
    private partial void LogLost(int rank, string replica, long epoch, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Rank {Rank} of replica {Replica}: epoch {Epoch} did not come about. {Why}")]
    private partial void LogNotFormed(int rank, string replica, long epoch, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "Replica {Replica} refuses this process: {Why}")]
    private partial void LogRefused(string replica, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "Takes the place of rank {Rank} of replica {Replica}: reads its weights.")]
    private partial void LogPrepares(int rank, string replica);

    [LoggerMessage(Level = LogLevel.Error, Message = "Rank {Rank} of replica {Replica} cannot be prepared.")]
    private partial void LogNotPrepared(int rank, string replica, Exception error);
}
