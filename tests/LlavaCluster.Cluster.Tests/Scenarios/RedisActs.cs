using Grpc.Core;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>What becomes of the Redis of a scene beyond a restart.</summary>
internal static class RedisActs
{
    /// <summary>
    /// Who belongs to the cluster is deleted. Silos that then no longer find themselves in it may end, as they should, and are started
    /// anew as a supervisor would.
    /// </summary>
    public sealed record FlushMembership : Act
    {
        /// <inheritdoc/>
        public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            await run.StrikeAsync(cancellationToken);
            foreach (var silo in run.Cluster.Silos)
            {
                silo.MayEnd();
            }

            var deleted = await run.Cluster.Redis.DeleteAsync("*/members/*");
            run.Require(deleted > 0, "there is no membership in Redis to delete");
            await Task.WhenAll(run.Cluster.Silos.Select(silo => run.SettleAsync(silo, Excluded, cancellationToken)));
        }
    }

    /// <summary>Redis is gone, for longer than anybody waits for it: clients are told so. Then it comes back with what it had on its disk.</summary>
    public sealed record Lose(double Seconds) : Act
    {
        /// <inheritdoc/>
        public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            await run.StrikeAsync(cancellationToken);
            await run.Cluster.Redis.KillAsync();
            await run.PauseAsync(TimeSpan.FromSeconds(Seconds), cancellationToken);
            await run.RequireRefusalAsync(StatusCode.Unavailable, "Redis", cancellationToken);
            await run.Cluster.Redis.StartAsync();
        }
    }
}
