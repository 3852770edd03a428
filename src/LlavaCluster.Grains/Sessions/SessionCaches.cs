using LlavaCluster.Core.Imaging;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;
using Microsoft.Extensions.Logging;

namespace LlavaCluster.Grains.Sessions;

/// <summary>
/// Has the caches of the cluster forget what was deleted from the stores. A silo that cannot be reached now is no longer there, and its
/// caches with it; one that comes back after a pause is put out of the cluster first. Any thread.
/// </summary>
internal sealed partial class SessionCaches(ClusterView view, IGrainFactory grains, ILogger<SessionCaches> logger)
{
    /// <summary>Images that are stored no more: their features leave every encoder.</summary>
    public Task ForgetAsync(IReadOnlyList<ImageHash> images)
    {
        string[] names = [.. images.Select(image => image.Hex)];
        return names.Length == 0
            ? Task.CompletedTask
            : Task.WhenAll(view.EveryEncoder().Select(encoder => TriedAsync(encoder, () => grains.Serving<IEncoderGrain>(encoder).Forget(names))));
    }

    /// <summary>
    /// A conversation that is logged no more: its KV leaves every replica, since it may have been on several. A replica's leader alone
    /// knows which blocks are whose; to those who follow, a block that no plan names is free memory.
    /// </summary>
    /// <param name="remains">All that a replica may have computed of it.</param>
    public Task ForgetAsync(IReadOnlyList<SequenceMessage> remains) =>
        Task.WhenAll(view.EveryShard().Select(shard => TriedAsync(shard, async () =>
        {
            foreach (var sequence in remains)
            {
                await grains.Serving<IDecoderShardGrain>(shard).Forget(sequence);
            }
        })));

    private async Task TriedAsync(string name, Func<Task> forget)
    {
        try
        {
            await forget();
        }
        catch (Exception error) when (error is OrleansException or TimeoutException or TurnRefusedException)
        {
            LogLeft(name, error);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Silo} could not be told to forget what was deleted; it is kept in memory until its place is needed, or the process ends.")]
    private partial void LogLeft(string silo, Exception error);
}
