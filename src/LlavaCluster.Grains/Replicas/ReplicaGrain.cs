using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Contracts;
using Microsoft.Extensions.Logging;

namespace LlavaCluster.Grains.Replicas;

/// <summary>Brings the ranks of one replica together. What it decides is decided in <see cref="ReplicaFormer"/>.</summary>
internal sealed partial class ReplicaGrain(ReplicaFormerOptions options, TimeProvider time, ILogger<ReplicaGrain> logger) : Grain, IReplicaGrain
{
    private ReplicaFormer _former = null!;
    private Guid _formed;

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _former = new ReplicaFormer(this.GetPrimaryKeyString(), options, time);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<SeatOrderMessage> Report(SeatReportMessage report)
    {
        var order = _former.Take(report.ToReport());
        if (_former.Current is { } formation && formation.Id != _formed)
        {
            _formed = formation.Id;
            LogForms(this.GetPrimaryKeyString(), formation.Epoch, string.Join(", ", formation.Members.Select(member => member.Seat)));
        }

        if (order is SeatOrder.Refuse refusal)
        {
            LogRefused(this.GetPrimaryKeyString(), refusal.Why);
        }

        return Task.FromResult(SeatOrderMessage.From(order));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Replica {Replica}: epoch {Epoch} is formed of seats {Seats}.")]
    private partial void LogForms(string replica, long epoch, string seats);

    [LoggerMessage(Level = LogLevel.Error, Message = "Replica {Replica} refuses a seat: {Why}")]
    private partial void LogRefused(string replica, string why);
}
