using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Storage;
using LlavaCluster.Tests.Sessions;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Storage;

public sealed class RedisTurnLogTests(RedisServer server) : TurnLogContract, IClassFixture<RedisServer>, IAsyncLifetime
{
    private RedisConnection _redis = null!;

    public async Task InitializeAsync() => _redis = await server.ConnectAsync(TimeSpan.FromSeconds(30));

    public async Task DisposeAsync() => await _redis.DisposeAsync();

    protected override ITurnLog Open() => new RedisTurnLog(_redis, Time);
}

public sealed class RedisImageStoreTests(RedisServer server) : ImageStoreContract, IClassFixture<RedisServer>, IAsyncLifetime
{
    private RedisConnection _redis = null!;

    public async Task InitializeAsync() => _redis = await server.ConnectAsync(TimeSpan.FromSeconds(30));

    public async Task DisposeAsync() => await _redis.DisposeAsync();

    protected override IImageStore Open() => new RedisImageStore(_redis, Time);
}
