using LlavaCluster.Core.Engine;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Placement;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Routing;

/// <summary>Two gateways, two encoders, two replicas that run few sequences at once and have little room for KV.</summary>
public sealed class CrowdedSilos() : FakeCluster(
    new SiloRole { Roles = SiloRoles.Gateway | SiloRoles.Encoder, Encoder = "e1" },
    new SiloRole { Roles = SiloRoles.Gateway | SiloRoles.Encoder, Encoder = "e2" },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r1" },
    new SiloRole { Roles = SiloRoles.Decoder, Replica = "r2" })
{
    internal override DecodeLoopOptions EngineOptions => new() { MaxWaiting = 256, MaxRunning = 3, IdleImages = 1 };
}

/// <summary>
/// Many conversations at once that share few pictures, through random gateways; turns are cancelled, left and asked for again, heard
/// twice, forked. Whatever meets whatever: every turn ends, with the tokens that the model gives to its conversation alone.
/// </summary>
public sealed class RandomLoadTests(CrowdedSilos cluster) : IClassFixture<CrowdedSilos>
{
    private const int Sessions = 60, Turns = 5;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Turns_OfAllKindsAtOnce_EndWithTheirOwnTokens(int seed)
    {
        var pictures = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => cluster.PutAsync(FakeImages.Bmp(60, 40, (10 * seed) + i))));

        await Task.WhenAll(Enumerable.Range(0, Sessions).Select(i => ConverseAsync($"load-{seed}-{i}", new Random((1000 * seed) + i), pictures)));

        await UntilAsync(() => cluster.Engines.Values.All(engine => engine.Load is { Running: 0, Waiting: 0 } load && load.FreeBlocks == load.TotalBlocks));
    }

    private async Task ConverseAsync(string session, Random random, string[] pictures)
    {
        var mirror = new Answers.Mirror();
        for (var turn = 0; turn < Turns; turn++)
        {
            string[] shown = random.Next(2) == 0 ? [pictures[random.Next(pictures.Length)]] : [];
            // Few different texts, so that conversations meet in the caches.
            var request = Turn($"{turn}", $"question {random.Next(3)}", shown);
            var due = mirror.Next(request.Parts[^1].Text!, [.. shown.Select(hash => (hash, 60, 40))]);
            switch (random.Next(6))
            {
                case 0:
                    await LeaveAsync(session, random, request, after: random.Next(3));
                    break;
                case 1:
                    var first = HearAsync(session, random, request);
                    Assert.Equal(due, (await HearAsync(session, random, request)).Tokens());
                    await first;
                    break;
                case 2:
                    var cut = (await CancelAsync(session, random, request, after: 1 + random.Next(3))).Tokens();
                    Assert.Equal(due[..cut.Length], cut);
                    mirror.CutLast(due.Length, cut.Length);
                    continue;
                case 3 when turn > 0:
                    await cluster.GrainsOf(random.Next(2)).GetGrain<ISessionGrain>(session).Fork("", $"{session}-{turn}").WaitAsync(Patience);
                    session = $"{session}-{turn}";
                    break;
            }

            // Also where it is over already: it is told again.
            Assert.Equal(due, (await HearAsync(session, random, request)).Tokens());
        }
    }

    private async Task<List<TurnEventMessage>> HearAsync(string session, Random random, TurnRequestMessage request)
    {
        var events = new List<TurnEventMessage>();
        await foreach (var next in cluster.GrainsOf(random.Next(2)).GetGrain<ISessionGrain>(session).Chat(request, default).Bounded())
        {
            events.Add(next);
        }

        return events;
    }

    /// <summary>Somebody hears a few events and goes.</summary>
    private async Task LeaveAsync(string session, Random random, TurnRequestMessage request, int after)
    {
        await foreach (var _ in cluster.GrainsOf(random.Next(2)).GetGrain<ISessionGrain>(session).Chat(request, default).Bounded())
        {
            if (after-- == 0)
            {
                break;
            }
        }
    }

    /// <summary>Somebody cancels the turn after a few events, and hears the rest.</summary>
    private async Task<List<TurnEventMessage>> CancelAsync(string session, Random random, TurnRequestMessage request, int after)
    {
        var grain = cluster.GrainsOf(random.Next(2)).GetGrain<ISessionGrain>(session);
        var events = new List<TurnEventMessage>();
        await foreach (var next in grain.Chat(request, default).Bounded())
        {
            events.Add(next);
            if (events.Count == after)
            {
                await grain.Cancel(request.TurnId).WaitAsync(Patience);
            }
        }

        return events;
    }
}
