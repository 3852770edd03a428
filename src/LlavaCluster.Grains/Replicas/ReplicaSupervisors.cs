using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Replicas;

/// <summary>Where the seats of this silo report. Any thread.</summary>
public sealed class ReplicaSupervisors(IGrainFactory grains)
{
    /// <summary>Tells a replica's supervisor what a seat does; gives its order.</summary>
    public async Task<SeatOrder> ReportAsync(string replica, SeatReport report, CancellationToken cancellationToken)
    {
        var answer = await grains.GetGrain<IReplicaGrain>(replica).Report(SeatReportMessage.From(report)).WaitAsync(cancellationToken)
            .ConfigureAwait(false);
        return answer.ToOrder();
    }
}
