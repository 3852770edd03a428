using LlavaCluster.Grains.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Storage;

/// <summary>A table of members that Redis loses.</summary>
public sealed class RedisMembershipKeeperTests(RedisServer server) : IClassFixture<RedisServer>
{
    private static readonly HashEntry[] Members = [new("Version", "{7}"), new("silo-1", "{active}"), new("silo-2", "{active}")];

    [Fact]
    public async Task Look_TableIsGone_PutsItBackOnce()
    {
        await using var both = await ConnectAsync();
        var (one, other) = (await KeeperAsync("gone"), await KeeperAsync("gone"));
        await both.GetDatabase().HashSetAsync("gone", Members);
        Assert.False(await one.LookAsync(default));
        Assert.False(await other.LookAsync(default));
        await both.GetDatabase().KeyDeleteAsync("gone");

        Assert.Equal((true, false), (await one.LookAsync(default), await other.LookAsync(default)));

        Assert.Equal(Members, (await both.GetDatabase().HashGetAllAsync("gone")).OrderBy(entry => (string)entry.Name!, StringComparer.Ordinal));
    }

    [Fact]
    public async Task Look_AnotherTableIsThere_LeavesIt()
    {
        await using var both = await ConnectAsync();
        var keeper = await KeeperAsync("new");
        Assert.False(await keeper.LookAsync(default));
        await both.GetDatabase().HashSetAsync("new", Members);
        await keeper.LookAsync(default);
        await both.GetDatabase().KeyDeleteAsync("new");
        await both.GetDatabase().HashSetAsync("new", "Version", "{1}");

        Assert.False(await keeper.LookAsync(default));

        Assert.Single(await both.GetDatabase().HashGetAllAsync("new"));
    }

    private async Task<RedisMembershipKeeper> KeeperAsync(string key) => new(
        await server.ConnectAsync(TimeSpan.FromSeconds(30)), key, TimeProvider.System, NullLogger<RedisMembershipKeeper>.Instance);

    private async Task<ConnectionMultiplexer> ConnectAsync() => await ConnectionMultiplexer.ConnectAsync(server.Address);
}
