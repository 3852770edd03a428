using System.Net;
using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Security;

/// <summary>Says at the start when others than this machine reach a silo port that asks nobody who he is.</summary>
internal sealed partial class OpenSiloPort(NodeSettings settings, ILogger<OpenSiloPort> logger) : IHostedService
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var fleet = settings.Fleet;
        if (fleet.TlsCertificate.Length == 0 && !IPAddress.IsLoopback(IPAddress.Parse(fleet.SiloAddress)))
        {
            LogOpen(fleet.SiloAddress);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The silo port at {Address} asks nobody who he is: whoever reaches it rules the cluster. Let only its silos reach it, or give them certificates (--tls-certificate).")]
    private partial void LogOpen(string address);
}
