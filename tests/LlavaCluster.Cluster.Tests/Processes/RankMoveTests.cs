using LlavaCluster.Cluster.Tests.Storage;
using LlavaCluster.Protos;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>Two replicas whose ranks are processes: one leaves with any of its ranks, and its conversations go on at the other with their KV.</summary>
public sealed class RankMoveTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const int Ranks = 2, Tokens = 300, Seen = 32;

    private const string Question = "What is the capital of the green harbour? Say it with many words, please.", Next = "And of the blue one?";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task DrainSilo_OfOneRank_IdleConversationIsFoundAtTheOtherReplica(int rank)
    {
        await using var fleet = await TwoReplicasAsync($"rank-moves-{rank}", drainSeconds: 60);
        var goes = await TurnAsync(fleet.Gateway, "", Question);
        var left = goes.Started.Replica;

        await fleet.DrainAsync(left, rank);

        var next = await TurnAsync(fleet.Gateway, goes.Started.SessionId, Next);
        Assert.NotEqual(left, next.Started.Replica);
        // The same conversation, computed by one process alone. The last token of its first answer is computed with its second turn.
        await using var alone = await AloneAsync();
        var same = await TurnAsync(alone, "", Question);
        Assert.Equal(same.Tokens, goes.Tokens);
        var expected = await TurnAsync(alone, same.Started.SessionId, Next);
        Assert.Equal(expected.Tokens, next.Tokens);
        Assert.Equal(expected.Finished.Usage.CachedTokens, next.Finished.Usage.CachedTokens);
        // Nobody has computed it at the other replica but for what is no whole block.
        Assert.InRange(await fleet.FetchedAsync(next.Started.Replica), (goes.Finished.Usage.PromptTokens + goes.Tokens.Count - 1) / 16, int.MaxValue);
    }

    [Fact]
    public async Task DrainSilo_OfTheLeader_TurnIsHandedOverWithItsKv()
    {
        await using var fleet = await TwoReplicasAsync("rank-handover", drainSeconds: 0);
        var left = "";
        Task? draining = null;
        async IAsyncEnumerable<ChatEvent> WithDrainAsync()
        {
            await foreach (var happened in fleet.Gateway.Client.ChatAsync(Long()))
            {
                left = left.Length == 0 && happened.Started is { } started ? started.Replica : left;
                if (happened.Delta is { Offset: >= Seen })
                {
                    draining ??= fleet.DrainAsync(left, 0);
                }

                yield return happened;
            }
        }

        var answer = await Answer.ReadAsync(WithDrainAsync()).WaitAsync(Patience);

        Assert.True(draining is not null, $"{answer.Tokens.Count} tokens.");
        await draining;
        // Nobody has computed these tokens there: at the drain at least two blocks of them were told.
        Assert.InRange(await fleet.FetchedAsync(left == "a" ? "b" : "a"), Seen / 16, int.MaxValue);
        await using var alone = await AloneAsync();
        Assert.Equal((await Answer.ReadAsync(alone.Client.ChatAsync(Long())).WaitAsync(Patience)).Tokens, answer.Tokens);
    }

    /// <summary>A replica that is split alike, in one process.</summary>
    private static Task<SiloProcess> AloneAsync() => SiloProcess.StartOfAsync("yi", 0, "--tp", $"{Ranks}", "--threads", "1");

    private static Task<Answer> TurnAsync(SiloProcess gateway, string session, string question) =>
        gateway.ChatAsync(session, 40, new Part { Text = question }).WaitAsync(Patience);

    private static ChatRequest Long()
    {
        var request = SiloProcess.EndlessTurn("");
        request.MaxTokens = Tokens;
        return request;
    }

    private async Task<Fleet> TwoReplicasAsync(string name, int drainSeconds)
    {
        // On a busy machine five processes are silent for a while; lost ones are other tests' matter.
        string[] shared =
        [
            "--membership", "redis", "--store", "redis", "--redis", redis.Address, "--cluster", name, "--threads", "1", "--kv-cache-mib", "64",
            "--rank-silence-milliseconds", "20000", "--drain-seconds", $"{drainSeconds}",
        ];
        var fleet = new Fleet();
        try
        {
            fleet.Gateway = await SiloProcess.StartOfAsync("yi", 0, ["--roles", "gateway,encoder", .. shared]);
            foreach (var replica in new[] { "a", "b" })
            {
                fleet.Members[replica] = await Task.WhenAll(Enumerable.Range(0, Ranks).Select(rank => SiloProcess.StartOfAsync(
                    "yi", 0, ["--roles", "decoder", "--replica", replica, "--rank", $"{rank}", "--tp", $"{Ranks}", .. shared])));
            }

            foreach (var members in fleet.Members.Values)
            {
                await members[0].Program.ErrorsAsync("serves in epoch 1");
            }

            return fleet;
        }
        catch
        {
            // Those that did start would outlive the test.
            await fleet.DisposeAsync();
            throw;
        }
    }

    private sealed class Fleet : IAsyncDisposable
    {
        public SiloProcess Gateway { get; set; } = null!;

        public Dictionary<string, SiloProcess[]> Members { get; } = [];

        /// <summary>Has a rank's process leave; returns when it is gone.</summary>
        public async Task DrainAsync(string replica, int rank)
        {
            var fleet = await Gateway.Client.GetFleetAsync();
            var silo = fleet.Replicas.Single(one => one.Name == replica).Ranks.Single(one => one.Rank == rank).Silo;
            await Gateway.Client.DrainSiloAsync(silo);
            var (exitCode, _, log) = await Members[replica][rank].Program.ExitAsync();
            Assert.True(exitCode == 0, log);
        }

        /// <summary>Blocks that a replica has fetched; some, since it is waited for what its leader says.</summary>
        public async Task<long> FetchedAsync(string replica)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            using var patience = new CancellationTokenSource(Patience);
            while (true)
            {
                if ((await Gateway.Client.GetFleetAsync()).Replicas.Single(one => one.Name == replica).KvBlocksFetched is > 0 and var fetched)
                {
                    return fetched;
                }

                await timer.WaitForNextTickAsync(patience.Token);
            }
        }

        public async ValueTask DisposeAsync() => await Task.WhenAll(
            Members.Values.SelectMany(members => members).Append(Gateway).OfType<SiloProcess>().Select(member => member.DisposeAsync().AsTask()));
    }
}
