using System.IO.Pipelines;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Storage;
using LlavaCluster.Tests.Sessions;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Storage;

/// <summary>A Redis that freezes, dies, forgets.</summary>
public sealed class RedisFailureTests(RedisServer server) : IClassFixture<RedisServer>
{
    private static readonly TimeSpan Patient = TimeSpan.FromSeconds(60), Impatient = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task Append_WhileItIsFrozen_IsDoneOnceWhenItMoves()
    {
        await using var patient = await server.ConnectAsync(Patient, "frozen");
        await using var impatient = await server.ConnectAsync(Impatient, "frozen");
        var log = new RedisTurnLog(patient);
        await log.AppendAsync("s", 0, TurnLogContract.Started, default);
        server.Freeze();
        var appended = log.AppendAsync("s", 1, TurnLogContract.Tokens, default);

        // When this one gives up, the patient one has asked more than once too.
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => new RedisTurnLog(impatient).ReadAsync("s", default));
        Assert.False(appended.IsCompleted);
        server.Thaw();
        await appended;

        Assert.Equal("The store of conversations (Redis) has not answered for 1 s.", error.Message);
        Assert.Equal(2, (await log.ReadAsync("s", default)).Count);
        await log.AppendAsync("s", 2, TurnLogContract.Ended, default);
    }

    [Fact]
    public async Task Open_WhileItIsFrozen_ConnectsWhenItMoves()
    {
        server.Freeze();
        var opened = server.ConnectAsync(Patient);

        // When this one gives up, the patient one has tried more than once too.
        await Assert.ThrowsAsync<StoreUnavailableException>(() => server.ConnectAsync(Impatient));
        var hasGivenUp = opened.IsCompleted;
        server.Thaw();

        Assert.False(hasGivenUp);
        await using var redis = await opened;
        await redis.AskAsync(database => database.PingAsync(), default);
    }

    [Fact]
    public async Task Ask_ConnectionBreaksWhileTheAnswerIsRead_IsAskedAgain()
    {
        await using var redis = await server.ConnectAsync(Patient, "broken");
        var asked = 0;
        await redis.AskAsync(
            database =>
            {
                if (asked++ == 0)
                {
                    var pipe = new Pipe();
                    pipe.Reader.Complete();
                    pipe.Reader.AdvanceTo(default);
                }

                return database.PingAsync();
            },
            default);

        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Ask_ConnectionIsClosed_IsTold()
    {
        var redis = await server.ConnectAsync(Patient, "closed");
        await redis.DisposeAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => new RedisTurnLog(redis).ReadAsync("s", default));
    }

    [Fact]
    public async Task Append_WhileItRestarts_IsDoneOnce()
    {
        await using var redis = await server.ConnectAsync(Patient, "restart");
        var log = new RedisTurnLog(redis);
        await log.AppendAsync("s", 0, TurnLogContract.Started, default);
        await server.KillAsync();
        var appended = log.AppendAsync("s", 1, TurnLogContract.Tokens, default);
        await server.StartAsync();
        await appended;

        Assert.Equal(2, (await log.ReadAsync("s", default)).Count);
    }

    [Fact]
    public async Task Append_AfterAFlush_IsFenced()
    {
        await using var redis = await server.ConnectAsync(Patient, "flush");
        var log = new RedisTurnLog(redis);
        await log.AppendAsync("s", 0, TurnLogContract.Started, default);
        await server.FlushAsync();

        var fenced = await Assert.ThrowsAsync<TurnLogFencedException>(() => log.AppendAsync("s", 1, TurnLogContract.Tokens, default));

        Assert.Equal((1, 0), (fenced.Expected, fenced.Found));
        Assert.Empty(await log.ReadAsync("s", default));
    }

    [Fact]
    public async Task Open_NobodyThere_SaysSo()
    {
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => RedisConnection.OpenAsync("127.0.0.1:1", "x", Impatient));

        Assert.StartsWith("Redis at 127.0.0.1:1 cannot be reached: ", error.Message);
    }
}
