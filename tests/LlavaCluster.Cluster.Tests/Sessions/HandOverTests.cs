using LlavaCluster.Grains.Fleet;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
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
        var before = cluster.Fetched(Other(old));

        var leaving = cluster.SiloOf(old).GetRequiredService<SiloDrain>().HandOverAsync(Patience);
        gate.Open();
        var events = await running.WaitAsync(Patience);

        Assert.Equal(expected, events.Tokens());
        Assert.InRange(events.Finished().CachedTokens, 16, 1000);
        Assert.True(cluster.Fetched(Other(old)) > before, "No block was fetched.");
        // The one that leaves has waited for it, and not for nothing.
        await leaving.WaitAsync(Patience / 2);
        await UntilAsync(() => cluster.Engines.Values.All(engine => engine.Load is { Running: 0, Waiting: 0 } load && load.FreeBlocks == load.TotalBlocks));
    }
}
