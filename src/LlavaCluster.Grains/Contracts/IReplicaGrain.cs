namespace LlavaCluster.Grains.Contracts;

/// <summary>
/// Supervises one replica of several processes; the key is the replica's name. It keeps nothing: what it must know it is told again and
/// again.
/// </summary>
[Alias("llava.IReplicaGrain")]
public interface IReplicaGrain : IGrainWithStringKey
{
    /// <summary>A seat says what it does, and is told what to do next.</summary>
    [Alias("Report")]
    Task<SeatOrderMessage> Report(SeatReportMessage report);
}
