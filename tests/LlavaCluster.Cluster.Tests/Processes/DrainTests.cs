using Grpc.Core;
using LlavaCluster.Cluster.Tests.Storage;
using LlavaCluster.Protos;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>A decoder that leaves while others stay.</summary>
public sealed class DrainTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const int Tokens = 600, Seen = 20;

    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    public async Task DrainSilo_TurnRunning_EndsOrGoesOnElsewhere(int seconds)
    {
        string[] shared = Shared($"drain-{seconds}");
        await using var gateway = await SiloProcess.StartOfAsync("vicuna", 0, ["--roles", "gateway,encoder", .. shared]);
        await using var first = await DecoderAsync("d-0", seconds, shared);
        await using var second = await DecoderAsync("d-1", seconds, shared);
        var expected = await Answer.ReadAsync(gateway.Client.ChatAsync(Long()));
        var (left, leaver) = ("", first);
        async IAsyncEnumerable<ChatEvent> WithDrainAsync()
        {
            await foreach (var happened in gateway.Client.ChatAsync(Long()))
            {
                left = happened.Started?.Replica ?? left;
                if (happened.Delta is { Offset: > Seen } && left.Length > 0)
                {
                    leaver = left == "d-0" ? first : second;
                    left = "";
                    await gateway.Client.DrainSiloAsync(await AddressOfAsync(gateway, leaver == first ? "d-0" : "d-1"));
                }

                yield return happened;
            }
        }

        var answer = await Answer.ReadAsync(WithDrainAsync());
        var after = await Answer.ReadAsync(gateway.Client.ChatAsync(Long()));

        Assert.Equal(expected.Tokens, answer.Tokens);
        Assert.Equal(expected.Text, answer.Text);
        // What comes later is answered by the one that stays.
        Assert.Equal((expected.Text, leaver == first ? "d-1" : "d-0"), (after.Text, after.Started.Replica));
        var (exitCode, _, log) = await leaver.Program.ExitAsync();
        Assert.Equal(0, exitCode);
        Assert.Contains("Asked to leave the cluster.", log);
        Assert.Equal(seconds == 0, log.Contains("are handed over", StringComparison.Ordinal));
    }

    [Fact]
    public async Task DrainProgram_WaitsUntilTheProcessIsGone()
    {
        var shared = Shared("drain-idle");
        await using var gateway = await SiloProcess.StartOfAsync("vicuna", 0, ["--roles", "gateway,encoder", .. shared]);
        await using var decoder = await DecoderAsync("d-0", 60, shared);
        var address = await AddressOfAsync(gateway, "d-0");

        var (exitCode, output, errors) = await ProgramAsync(gateway, "drain", address, "--wait");

        Assert.Equal((0, "", $"{address} drains.\n{address} has left.\n"), (exitCode, errors, output));
        Assert.Equal(0, (await decoder.Program.ExitAsync()).ExitCode);
        Assert.DoesNotContain((await gateway.Client.GetFleetAsync()).Silos, silo => silo.Address == address);
        (exitCode, _, errors) = await ProgramAsync(gateway, "drain", address);
        Assert.Equal(1, exitCode);
        Assert.StartsWith($"No process of this cluster is called '{address}'. There are 127.0.0.1:", errors);
    }

    [Fact]
    public async Task DrainSilo_ServerTakesNoOrders_IsDenied()
    {
        using var folder = new ScratchFolder();
        await using var silo = await SiloProcess.StartAsync(folder.Of("data"), "--drain-silos", "false");

        var denied = await Assert.ThrowsAsync<RpcException>(() => silo.Client.DrainSiloAsync("any"));

        Assert.Equal(StatusCode.PermissionDenied, denied.StatusCode);
        Assert.EndsWith("--drain-silos true makes it; SIGTERM does the same.", denied.Status.Detail);
    }

    private string[] Shared(string cluster) =>
    [
        "--membership", "redis", "--store", "redis", "--redis", redis.Address, "--cluster", cluster, "--threads", "1", "--kv-cache-mib", "64",
    ];

    private static Task<SiloProcess> DecoderAsync(string name, int seconds, string[] shared) => SiloProcess.StartOfAsync(
        "vicuna", 0, ["--roles", "decoder", "--replica", name, "--drain-seconds", $"{seconds}", .. shared]);

    /// <summary>Waits until the gateway has heard of the replica.</summary>
    private static async Task<string> AddressOfAsync(SiloProcess gateway, string replica)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            if ((await gateway.Client.GetFleetAsync()).Replicas.FirstOrDefault(one => one.Name == replica) is { } found)
            {
                return found.Ranks[0].Silo;
            }

            await timer.WaitForNextTickAsync(patience.Token);
        }
    }

    private static ChatRequest Long()
    {
        var request = SiloProcess.EndlessTurn("");
        request.MaxTokens = Tokens;
        return request;
    }

    private static Task<(int ExitCode, string Output, string Errors)> ProgramAsync(SiloProcess gateway, params string[] arguments) =>
        RunningProgram.RunAsync(BuiltProgram.Client, [.. arguments, "--server", gateway.Server.ToString()]);
}
