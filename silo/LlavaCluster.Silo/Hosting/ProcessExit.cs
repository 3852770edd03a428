using LlavaCluster.Grains.Fleet;

namespace LlavaCluster.Silo.Hosting;

/// <summary>Ends this process as SIGTERM does.</summary>
internal sealed partial class ProcessExit(IHostApplicationLifetime lifetime, ILogger<ProcessExit> logger) : ISiloExit
{
    /// <inheritdoc/>
    public void Leave()
    {
        LogAsked();
        // What runs when a process stops must not hold up the answer to who asked for it.
        _ = Task.Run(lifetime.StopApplication);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Asked to leave the cluster.")]
    private partial void LogAsked();
}
