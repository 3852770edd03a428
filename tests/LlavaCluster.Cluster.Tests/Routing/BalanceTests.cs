using LlavaCluster.Core.Engine;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Grains.Routing;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Routing;

/// <summary>Three gateways, two encoders, three replicas, over fake models.</summary>
public sealed class EightSilos() : FakeCluster(
    new SiloRole { Roles = SiloRoles.Gateway },
    new SiloRole { Roles = SiloRoles.Gateway },
    new SiloRole { Roles = SiloRoles.Gateway },
    new SiloRole { Roles = SiloRoles.Encoder, Encoder = "e1" },
    new SiloRole { Roles = SiloRoles.Encoder, Encoder = "e2" },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r1" },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r2" },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r3" })
{
    internal override DecodeLoopOptions EngineOptions => new() { MaxWaiting = 256, MaxRunning = 16 };

    internal override int Blocks => 4096;
}

/// <summary>How conversations and images are spread, and find what was computed for them.</summary>
public sealed class BalanceTests(EightSilos cluster) : IClassFixture<EightSilos>
{
    private const int Sessions = 200, Turns = 6;

    [Fact]
    public async Task ManySessions_ThroughRandomGateways_FindTheirKvAndSpreadEvenly()
    {
        var random = new Random(3);
        var gateways = Enumerable.Range(0, Sessions).Select(_ => Enumerable.Range(0, Turns).Select(_ => random.Next(3)).ToArray()).ToArray();
        var images = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(i => cluster.PutAsync(FakeImages.Bmp(60, 40, i + 1))));
        var before = cluster.Encoders.ToDictionary(encoder => encoder.Key, encoder => encoder.Value.TilesEncoded);

        var replicas = new List<string>();
        var (missed, due) = (0, 0);
        await Parallel.ForEachAsync(Enumerable.Range(0, Sessions), new ParallelOptions { MaxDegreeOfParallelism = 12 }, async (i, _) =>
        {
            var known = 0;
            for (var turn = 0; turn < Turns; turn++)
            {
                var events = new List<TurnEventMessage>();
                var session = cluster.GrainsOf(gateways[i][turn]).GetGrain<ISessionGrain>($"balance-{i}");
                await foreach (var next in session.Chat(Turn($"{turn}", $"turn {turn} of {i}", turn == 0 ? [images[i]] : []), default).Bounded())
                {
                    events.Add(next);
                }

                lock (replicas)
                {
                    // Whole blocks of what the conversation had before can be found again.
                    due += known / 16 * 16;
                    missed += Math.Max(0, (known / 16 * 16) - events.Started().CachedTokens);
                    if (turn == 0)
                    {
                        replicas.Add(events.Started().Replica);
                    }
                }

                known = events.Started().PromptTokens + events.Tokens().Length - 1;
            }
        });

        Assert.True(missed <= due / 100, $"{missed} of {due} tokens were computed again.");

        // Fake engines are done before anybody has heard that they were busy, so that places fall by lot: 67 each, give or take 6.7.
        Assert.Equal(3, replicas.Distinct().Count());
        Assert.All(replicas.CountBy(replica => replica), count => Assert.InRange(count.Value, Sessions / 10, Sessions * 6 / 10));
        var tiles = cluster.Encoders.Select(encoder => encoder.Value.TilesEncoded - before[encoder.Key]).ToArray();
        Assert.True(tiles.Max() - tiles.Min() <= tiles.Sum() / 10, $"The encoders encoded {string.Join(" and ", tiles)} tiles.");
    }

    [Fact]
    public async Task OneImage_InManySessionsAtOnce_IsEncodedOnce()
    {
        var image = await cluster.PutAsync(FakeImages.Bmp(60, 40, 1200));
        var before = cluster.Encoders.Values.Sum(encoder => encoder.TilesEncoded);

        await Task.WhenAll(Enumerable.Range(0, 50).Select(async i =>
        {
            var session = cluster.GrainsOf(i % 3).GetGrain<ISessionGrain>($"same-{i}");
            await foreach (var _ in session.Chat(Turn("a", $"question {i}", image), default).Bounded())
            {
            }
        }));

        // A picture of 60 × 40 is cut into a base tile and 2 × 2.
        Assert.Equal(5, cluster.Encoders.Values.Sum(encoder => encoder.TilesEncoded) - before);
    }

    [Fact]
    public async Task NewSession_WithAnImageThatAReplicaComputed_GoesThere()
    {
        var image = await cluster.PutAsync(FakeImages.Bmp(60, 40, 1201));
        var first = await cluster.ChatAsync("first", Turn("a", "What is it?", image));
        var replica = first.Started().Replica;
        Assert.Single(Beginnings.Of(null, [image]));

        for (var i = 0; i < 8; i++)
        {
            // Who asks knows that the replica computed it, and that nobody waits there any more.
            await cluster.HeardAsync(2);
            var events = new List<TurnEventMessage>();
            await foreach (var next in cluster.GrainsOf(2).GetGrain<ISessionGrain>($"shared-{i}").Chat(Turn("a", "What is it?", image), default).Bounded())
            {
                events.Add(next);
            }

            Assert.Equal(replica, events.Started().Replica);
        }
    }

    [Fact]
    public async Task Fleet_ShowsEverySiloAndReplica()
    {
        await cluster.ChatAsync("seen", Turn("a", "Hello"));
        var silos = cluster.Silo(1).GetRequiredService<FleetView>().Silos();

        Assert.Equal(8, silos.Count);
        Assert.All(silos, silo => Assert.Equal(("active", true), (silo.Status, silo.Report is not null)));
        Assert.Equal(["r1", "r2", "r3"], silos.Select(silo => silo.Report!.Seat).OfType<SeatLoadMessage>().Select(seat => seat.Replica).Order());
        Assert.Equal(["e1", "e2"], silos.Select(silo => silo.Report!.Encoder?.Encoder).OfType<string>().Order());
        await UntilAsync(() => cluster.Silo(1).GetRequiredService<FleetView>().Silos().Sum(silo => silo.Report!.Sessions) > 0);
    }
}
