using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;
using static LlavaCluster.Cluster.Tests.Sessions.TwoDecoders;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A decoder leaves in the middle of a turn; it takes none again, so each test of this needs its own.</summary>
public sealed class HandOverTests(TwoDecoders cluster) : IClassFixture<TwoDecoders>
{
    [Fact]
    public async Task Turn_IsHandedOverWhileItRuns_GoesOnBehindItsKv()
    {
        var (old, cached) = await HandOverAsync(cluster);

        Assert.InRange(cached, 16, 1000);
        Assert.True(cluster.Fetched(Other(old)) > 0, "No block was fetched.");
    }

    /// <summary>A long answer begins at one of the replicas and is handed over; the one that leaves must not wait for nothing.</summary>
    /// <returns>The replica that left, and how much of the prompt the other one found.</returns>
    internal static async Task<(string Old, int Cached)> HandOverAsync(TwoDecoders cluster)
    {
        var gate = new StepGate();
        foreach (var runner in cluster.Runners.Values)
        {
            runner.BeforeStep = gate.Pass;
        }

        var expected = new Answers.Mirror().Next(KvMoveTests.Long, [], 60);
        var running = cluster.ChatAsync("handed", Turn("a", KvMoveTests.Long) with { MaxTokens = 60 });
        await gate.ArrivedAsync();
        gate.Allow(40);
        using var patience = new CancellationTokenSource(Patience);
        while ((await cluster.Session("handed").Get().WaitAsync(patience.Token)).Turns is not [{ AnswerTokens: > 30 }])
        {
            await Task.Yield();
        }

        var old = Assert.Single(cluster.Engines, engine => engine.Value.Load.Running == 1).Key;

        var leaving = cluster.DrainOf(old).HandOverAsync(Patience);
        gate.Open();
        var events = await running.WaitAsync(Patience);

        Assert.Equal(expected, events.Tokens());
        await leaving.WaitAsync(Patience);
        await UntilAsync(() => cluster.Engines.Values.All(engine => engine.Load is { Running: 0, Waiting: 0 } load && load.FreeBlocks == load.TotalBlocks));
        return (old, events.Finished().CachedTokens);
    }
}

/// <summary>Two decoders between which moving is slow: what is to be had elsewhere is computed.</summary>
public sealed class SlowMoves : TwoDecoders
{
    internal override double StartRate => 1e-3;
}

/// <summary>As <see cref="HandOverTests"/>, where the one who takes over decides to compute.</summary>
public sealed class HandOverComputedTests(SlowMoves cluster) : IClassFixture<SlowMoves>
{
    [Fact]
    public async Task Turn_IsHandedOverAndNobodyFetches_TheReplicaLeavesWhenItHasBegunElsewhere()
    {
        // Each has measured how fast it computes: else it tries how fast moving is.
        foreach (var replica in cluster.Engines.Keys)
        {
            await cluster.DrainAsync(Other(replica));
            var events = await cluster.ChatAsync($"measured-{replica}", Turn("a", KvMoveTests.Long + replica)).WaitAsync(Patience);
            Assert.Equal(replica, events.Started().Replica);
        }

        await cluster.DrainAsync();

        var (old, _) = await HandOverTests.HandOverAsync(cluster);

        Assert.Equal(0, cluster.Fetched(Other(old)));
        Assert.InRange(cluster.Considered(Other(old)), 1, 1000);
    }
}
