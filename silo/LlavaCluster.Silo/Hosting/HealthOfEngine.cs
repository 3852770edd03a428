using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlavaCluster.Silo.Hosting;

/// <summary>Healthy while the process takes turns: started, not draining, engines able.</summary>
internal sealed class HealthOfEngine(Readiness readiness, EngineSet engines) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(
            readiness.IsReady && engines.IsHealthy ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy());
}
