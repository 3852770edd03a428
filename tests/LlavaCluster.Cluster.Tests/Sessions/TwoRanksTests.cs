using System.Collections.Concurrent;
using LlavaCluster.Core.Engine;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A gateway, and two replicas of two ranks; the second rank of each is a thread of its leader's process.</summary>
public sealed class TwoRankCluster() : FakeCluster(
    new SiloRole { Roles = SiloRoles.Gateway | SiloRoles.Encoder },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r1", Ranks = 2 },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r2", Ranks = 2 })
{
    /// <summary>What the second ranks compute with, by replica.</summary>
    internal ConcurrentDictionary<string, FakeModelRunner> Seconds { get; } = [];

    /// <summary>The second ranks, by replica.</summary>
    internal ConcurrentDictionary<string, ShardFollower> Followers { get; } = [];

    internal override IShardLink LinkOf(SiloRole role)
    {
        // It ends with the link, and that with its engine.
        var link = new InProcessShardLink(1);
        var runner = Seconds[role.Replica] = new FakeModelRunner(Runner.Capacity, rank: 1);
        var follower = Followers[role.Replica] = new ShardFollower(1, 0, () => runner, link);
        _ = follower.StartAsync();
        return link;
    }

    /// <summary>Waits until both ranks of each replica have done the same, to the end.</summary>
    internal Task AlikeAsync() => UntilAsync(() => Seconds.All(second => second.Value.Calls.SequenceEqual(Runners[second.Key].Calls)));
}

/// <summary>Sessions at replicas of two ranks, which lend no KV.</summary>
public sealed class TwoRanksTests(TwoRankCluster cluster) : IClassFixture<TwoRankCluster>
{
    [Fact]
    public async Task Delete_ForgetsTheKvOfBothRanks()
    {
        var text = new string('d', 90);
        var expected = new Answers.Mirror().Next(text, []);
        await cluster.ChatAsync("two-1", Turn("a", text)).WaitAsync(Patience);
        Assert.InRange((await cluster.Session("two-1").Warm()).CachedTokens, 64, 1000);

        await cluster.Session("two-1").Delete();

        var again = await cluster.ChatAsync("two-2", Turn("a", text)).WaitAsync(Patience);
        Assert.Equal((0, expected.Length), (again.Started().CachedTokens, again.Tokens().Length));
        Assert.Equal(expected, again.Tokens());
        await cluster.AlikeAsync();
        Assert.All(cluster.Followers.Values, follower => Assert.False(follower.Completion.IsCompleted));
    }
}

/// <summary>A replica of two ranks leaves; it takes no turn again.</summary>
public sealed class TwoRanksLeaveTests(TwoRankCluster cluster) : IClassFixture<TwoRankCluster>
{
    [Fact]
    public async Task HandOver_TheTurnIsComputedAgainByTheOtherReplica_AndNobodyWaitsForKv()
    {
        var mirror = new Answers.Mirror();
        await cluster.ChatAsync("left", Turn("a", KvMoveTests.Long)).WaitAsync(Patience);
        mirror.Next(KvMoveTests.Long, []);
        var gate = new StepGate();
        foreach (var runner in cluster.Runners.Values)
        {
            runner.BeforeStep = gate.Pass;
        }

        var running = cluster.ChatAsync("left", Turn("b", "go on") with { MaxTokens = 40 });
        await gate.ArrivedAsync();
        gate.Allow(10);
        using var patience = new CancellationTokenSource(Patience);
        while ((await cluster.Session("left").Get().WaitAsync(patience.Token)).Turns is not [_, { AnswerTokens: > 5 }])
        {
            await Task.Yield();
        }

        var old = Assert.Single(cluster.Engines, engine => engine.Value.Load.Running == 1).Key;
        var silo = cluster.Silo(old == "r1" ? 1 : 2);
        var drain = silo.GetRequiredService<SiloDrain>();
        Assert.Equal(1, drain.Left);

        var leaving = drain.HandOverAsync(Timeout.InfiniteTimeSpan);
        gate.Open();

        Assert.Equal(mirror.Next("go on", [], 40), (await running.WaitAsync(Patience)).Tokens());
        await leaving.WaitAsync(Patience);
        Assert.Equal(0, drain.Left);
        await UntilAsync(() => cluster.Engines.Values.All(engine => engine.Load is { Running: 0, Waiting: 0 } load && load.FreeBlocks == load.TotalBlocks));
        await cluster.AlikeAsync();
        Assert.All(cluster.Followers.Values, follower => Assert.False(follower.Completion.IsCompleted));
    }
}
