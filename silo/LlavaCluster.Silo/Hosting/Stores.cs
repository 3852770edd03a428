using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Storage;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Hosting;

/// <summary>Where a process keeps conversations and images.</summary>
internal sealed class Stores : IAsyncDisposable
{
    private Stores(ITurnLog turns, IImageStore images, RedisConnection? redis) => (Turns, Images, Redis) = (turns, images, redis);

    /// <summary>The connection to Redis, where something is kept there.</summary>
    public RedisConnection? Redis { get; }

    /// <summary>Conversations.</summary>
    public ITurnLog Turns { get; }

    /// <summary>Images.</summary>
    public IImageStore Images { get; }

    /// <summary>Opens them. Redis is tried whenever it is configured, so that a wrong address is told by name, and at once.</summary>
    /// <exception cref="UserErrorException">The folder cannot be made, or Redis cannot be reached.</exception>
    public static async Task<Stores> OpenAsync(NodeSettings settings)
    {
        var fleet = settings.Fleet;
        var redis = fleet.UsesRedis ? await ConnectAsync(fleet) : null;
        if (fleet.Store == "redis")
        {
            return new Stores(new RedisTurnLog(redis!), new RedisImageStore(redis!), redis);
        }

        var (turns, images) = DataFolder.Open(settings.Node.Data, fleet.LogSync);
        return new Stores(turns, images, redis);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Redis?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static async Task<RedisConnection> ConnectAsync(FleetOptions fleet)
    {
        try
        {
            return await RedisConnection.OpenAsync(
                fleet.Redis, fleet.Cluster, TimeSpan.FromSeconds(fleet.RedisPatienceSeconds));
        }
        catch (StoreUnavailableException error)
        {
            throw new UserErrorException($"{error.Message} Start it, or name another with --redis.", error);
        }
    }
}
