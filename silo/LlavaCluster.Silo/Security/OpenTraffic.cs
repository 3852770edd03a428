using System.Net;
using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Security;

/// <summary>
/// Says at the start what others could reach or read: a silo port beyond this machine that asks nobody who he is; and ranks' numbers that
/// travel in the open though everything else between silos is encrypted.
/// </summary>
internal sealed partial class OpenTraffic(NodeSettings settings, ILogger<OpenTraffic> logger) : IHostedService
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var fleet = settings.Fleet;
        if (fleet.TlsCertificate.Length == 0)
        {
            if (!IPAddress.IsLoopback(IPAddress.Parse(fleet.SiloAddress)))
            {
                LogOpen(fleet.SiloAddress);
            }
        }
        else if (fleet.IsOneRank && settings.CollectiveInUse == "nccl")
        {
            LogOpenNumbers(fleet.Replica);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The silo port at {Address} asks nobody who he is: whoever reaches it rules the cluster. Let only its silos reach it, or give them certificates (--tls-certificate).")]
    private partial void LogOpen(string address);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The certificates do not cover what the ranks of replica {Replica} add up: NCCL does not encrypt what it sends. Keep the network between them to the cluster.")]
    private partial void LogOpenNumbers(string replica);
}
