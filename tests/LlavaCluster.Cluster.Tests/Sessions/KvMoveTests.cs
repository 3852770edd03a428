using LlavaCluster.Core.Engine;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A session that goes on at another replica has its KV brought there.</summary>
public sealed class KvMoveTests(TwoDecoders cluster) : IClassFixture<TwoDecoders>
{
    private const string Long = "one and two and three and four and five and six and seven and eight and nine and ten and eleven and twelve";

    [Fact]
    public async Task Turn_ItsReplicaDrains_TheOtherOneFindsWhatWasComputed()
    {
        var mirror = new Answers.Mirror();
        var (first, second) = (mirror.Next(Long, []), mirror.Next("go on", []));
        var begun = await cluster.ChatAsync("drained", Turn("a", Long)).WaitAsync(Patience);
        Assert.Equal(first, begun.Tokens());
        var old = begun.Started().Replica;
        await cluster.Session("drained").Fork("", "drained-fork");
        cluster.States[old].IsDraining = true;
        try
        {
            await cluster.HeardAsync(0);

            // A fork goes elsewhere like its parent; what it brought there the parent finds.
            var fork = await cluster.ChatAsync("drained-fork", Turn("b", "go on")).WaitAsync(Patience);
            var moved = Moves(Other(old)).Blocks;
            var parent = await cluster.ChatAsync("drained", Turn("b", "go on")).WaitAsync(Patience);

            Assert.Equal((second, second), (fork.Tokens(), parent.Tokens()));
            Assert.Equal((Other(old), Other(old)), (fork.Started().Replica, parent.Started().Replica));
            Assert.InRange(moved, 2, 100);
            Assert.Equal(16 * moved, fork.Started().CachedTokens);
            Assert.InRange(parent.Started().CachedTokens, fork.Started().CachedTokens, 1000);
            Assert.Equal(moved, Moves(Other(old)).Blocks);
        }
        finally
        {
            cluster.States[old].IsDraining = false;
            await cluster.HeardAsync(0);
        }
    }

    [Fact]
    public async Task Turn_IsHandedOverWhileItRuns_GoesOnBehindItsKv()
    {
        var gate = new StepGate();
        foreach (var runner in cluster.Runners.Values)
        {
            runner.BeforeStep = gate.Pass;
        }

        var expected = new Answers.Mirror().Next(Long, [], 60);
        var running = cluster.ChatAsync("handed", Turn("a", Long) with { MaxTokens = 60 });
        gate.Allow(40);
        await UntilAsync(() => cluster.Session("handed").Get() is { } asked && asked.WaitAsync(Patience).GetAwaiter().GetResult().Turns is [{ AnswerTokens: > 30 }]);
        var old = Assert.Single(cluster.Engines, engine => engine.Value.Load.Running == 1).Key;
        var before = Moves(Other(old)).Blocks;

        var leaving = cluster.SiloOf(old).GetRequiredService<SiloDrain>().HandOverAsync(Patience);
        gate.Open();
        var events = await running.WaitAsync(Patience);

        Assert.Equal(expected, events.Tokens());
        Assert.InRange(events.Finished().CachedTokens, 16, 1000);
        Assert.True(Moves(Other(old)).Blocks > before, "No block was fetched.");
        // The one that leaves has waited for it, and not for nothing.
        await leaving.WaitAsync(Patience / 2);
        await UntilAsync(() => cluster.Engines.Values.All(engine => engine.Load is { Running: 0, Waiting: 0 } load && load.FreeBlocks == load.TotalBlocks));
    }

    private static string Other(string replica) => replica == "r1" ? "r2" : "r1";

    private KvMovesMessage Moves(string replica)
    {
        var moves = cluster.Engines[replica].Load.Moves!;
        return new KvMovesMessage(moves.Blocks, moves.Bytes, moves.Rate, moves.PrefillRate);
    }
}
