using LlavaCluster.Cluster.Tests.Storage;
using LlavaCluster.Protos;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>A decoder leaves in the middle of a turn, and what it computed goes with the turn.</summary>
public sealed class KvMoveTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const int Tokens = 400, Seen = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task DrainSilo_TurnIsHandedOver_TakesItsKvAlong()
    {
        string[] shared =
        [
            "--membership", "redis", "--store", "redis", "--redis", redis.Address, "--cluster", "kv-move", "--threads", "1", "--kv-cache-mib", "64",
        ];
        await using var gateway = await SiloProcess.StartOfAsync("vicuna", 0, ["--roles", "gateway,encoder", .. shared]);
        await using var first = await DecoderAsync("d-0", shared);
        await using var second = await DecoderAsync("d-1", shared);
        var (left, drains) = ("", false);
        async IAsyncEnumerable<ChatEvent> WithDrainAsync()
        {
            await foreach (var happened in gateway.Client.ChatAsync(Long()))
            {
                if (left.Length == 0 && happened.Started is { } started)
                {
                    left = started.Replica;
                }

                if (!drains && happened.Delta is { Offset: >= Seen })
                {
                    drains = true;
                    var fleet = await gateway.Client.GetFleetAsync();
                    await gateway.Client.DrainSiloAsync(fleet.Replicas.Single(replica => replica.Name == left).Ranks[0].Silo);
                }

                yield return happened;
            }
        }

        var answer = await Answer.ReadAsync(WithDrainAsync()).WaitAsync(Patience);

        var stayed = left == "d-0" ? "d-1" : "d-0";
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        using var patience = new CancellationTokenSource(Patience);
        FleetReplica other;
        do
        {
            await timer.WaitForNextTickAsync(patience.Token);
            other = (await gateway.Client.GetFleetAsync()).Replicas.Single(replica => replica.Name == stayed);
        }
        while (other.KvBlocksFetched == 0);

        // Nobody else has computed these tokens there: what was found had come. At the drain at least a hundred were told.
        Assert.InRange(answer.Finished.Usage.CachedTokens, 16, answer.Finished.Usage.PromptTokens);
        Assert.InRange(other.KvBlocksFetched, Seen / 16, int.MaxValue);
        Assert.True(other.KvBytesPerSecond > 0);
        Assert.Equal(0, (await (left == "d-0" ? first : second).Program.ExitAsync()).ExitCode);
        // The same from the beginning, computed by one process alone.
        await using var alone = await SiloProcess.StartOfAsync("vicuna", 0, "--threads", "1");
        Assert.Equal((await Answer.ReadAsync(alone.Client.ChatAsync(Long())).WaitAsync(Patience)).Tokens, answer.Tokens);
    }

    private static Task<SiloProcess> DecoderAsync(string name, string[] shared) => SiloProcess.StartOfAsync(
        "vicuna", 0, ["--roles", "decoder", "--replica", name, "--drain-seconds", "0", .. shared]);

    private static ChatRequest Long()
    {
        var request = SiloProcess.EndlessTurn("");
        request.MaxTokens = Tokens;
        return request;
    }
}
