using System.Text.RegularExpressions;
using LlavaCluster.Cluster.Tests.Storage;
using LlavaCluster.Protos;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>Replicas whose ranks are processes of their own, through the real edge of another process, against the reference.</summary>
public sealed partial class ReplicaTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private const int Tokens = 600, Seen = 20;

    private static readonly (string Case, string Question, string[] Pictures)[] Questions =
    [
        ("text-only", "What is the capital of the green harbour?", []),
        ("landscape", "What is shown in this image?", ["p640x480.png"]),
        ("chinese", "请描述这张图片。里面有多少个圆形？😀", ["p161x184.png"]),
        ("two-images", "Compare the circle with the square.", ["p336x336.png", "p429x641.png"]),
        ("tiny", "What is this?", ["p2x2.png"]),
        ("palette", "Describe it.", ["form-palette.png"]),
    ];

    [Theory]
    [InlineData(2, "tcp")]
    [InlineData(2, "shared")]
    [InlineData(7, "tcp")]
    public async Task RanksInProcesses_GiveAllGoldenTokens(int ranks, string collective)
    {
        // On a busy machine eight processes are silent for a while; lost ones are other tests' matter.
        await using var fleet = await ReplicaFleet.StartAsync(
            redis, $"golden-{ranks}-{collective}", ranks, collective, "--rank-silence-milliseconds", "20000");
        // They find each other after each is ready; on a busy machine later than a turn waits.
        await fleet.Rank(0).ErrorsAsync("serves in epoch 1");
        foreach (var (name, question, pictures) in Questions)
        {
            var golden = GoldenAnswer.Read("yi", name);
            var answer = await fleet.Gateway.ChatAsync(
                "", golden.Tokens.Count, [.. pictures.Select(SamplePictures.Of), new Part { Text = question }]);

            Assert.Equal(golden.Tokens, answer.Tokens);
            Assert.Equal("r", answer.Started.Replica);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task RankKilledMidDecode_IsReplacedAndTheTurnGoesOn(int rank)
    {
        await using var fleet = await ReplicaFleet.StartAsync(redis, $"kill-{rank}", 2);
        var expected = await Answer.ReadAsync(fleet.Gateway.Client.ChatAsync(Long()));

        Task? replacing = null;
        async IAsyncEnumerable<ChatEvent> WithLossAsync()
        {
            await foreach (var happened in fleet.Gateway.Client.ChatAsync(Long()))
            {
                if (IsPast(happened) && replacing is null)
                {
                    replacing = ReplaceAsync();
                }

                yield return happened;
            }
        }

        async Task ReplaceAsync()
        {
            await fleet.KillRankAsync(rank);
            // The other one notices by itself, whether or not another comes.
            await fleet.Rank(1 - rank).ErrorsAsync("epoch 1 is over.");
            await fleet.StartRankAsync(rank);
        }

        var answer = await Answer.ReadAsync(WithLossAsync());

        Assert.NotNull(replacing);
        await replacing;
        Assert.Equal(expected.Tokens, answer.Tokens);
        Assert.Equal(expected.Text, answer.Text);
        await fleet.Rank(1 - rank).ErrorsAsync("of replica r serves in epoch 2");
    }

    [Fact]
    public async Task RankFrozen_IsDeclaredMissing()
    {
        const int stop = 19, go = 18;
        await using var fleet = await ReplicaFleet.StartAsync(redis, "frozen", 2);
        await fleet.Rank(0).ErrorsAsync("serves in epoch 1");

        fleet.Rank(1).Signal(stop);
        await fleet.Rank(0).ErrorsAsync("Rank 0 of replica r: epoch 1 is over. Rank 1 is missing: nothing heard of it for 500 ms.");
        fleet.Rank(1).Signal(go);
    }

    [Fact]
    public async Task LeaderKilled_ASpareProcessTakesItsPlace()
    {
        await using var fleet = await ReplicaFleet.StartAsync(redis, "spare", 2);
        await using var spare = await fleet.StartMemberAsync("--spare", "s", "--tp", "2", "--spare-after-seconds", "0");
        var expected = await Answer.ReadAsync(fleet.Gateway.Client.ChatAsync(Long()));
        var isKilled = false;
        async IAsyncEnumerable<ChatEvent> WithLossAsync()
        {
            await foreach (var happened in fleet.Gateway.Client.ChatAsync(Long()))
            {
                if (IsPast(happened) && !isKilled)
                {
                    isKilled = true;
                    await fleet.KillRankAsync(0);
                }

                yield return happened;
            }
        }

        var answer = await Answer.ReadAsync(WithLossAsync());

        Assert.True(isKilled);
        Assert.Equal(expected.Tokens, answer.Tokens);

        // The last that was told of the one that was killed is shown until it counts as dead.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var shown = "";
        while (!ServingInEpoch2().IsMatch(shown))
        {
            Assert.False(patience.IsCancellationRequested, shown);
            shown = await ClientProgramAsync(fleet, "status");
        }

        Assert.Contains("gateway encoder", shown);
    }

    [Fact]
    public async Task ProcessThatDoesNotFit_IsRefusedByName()
    {
        await using var fleet = await ReplicaFleet.StartAsync(redis, "mixed", 2);
        await fleet.Rank(0).ErrorsAsync("serves in epoch 1");

        // Another checkpoint is none of this cluster; another split none of this replica.
        var (exitCode, output, errors) = await RunningProgram.RunAsync(
            BuiltProgram.Silo,
            ["serve", "--model", LlavaCluster.Tests.GoldenFolder.Of("checkpoints", "vicuna"), "--http", "0", "--grpc", "0", "--roles", "gateway",
                .. fleet.Shared]);
        Assert.Equal((1, ""), (exitCode, output));
        Assert.Matches(
            @"This silo \(127\.0\.0\.1:\d+\) serves checkpoint [0-9a-f]{16}; silo .* of this cluster serves [0-9a-f]{16}\. Take the same --model, or another --cluster\.\n$",
            errors);

        await using var other = await fleet.StartMemberAsync("--rank", "3", "--tp", "7");
        await other.Program.ErrorsAsync(
            "Replica r refuses this process: Seat r/3 has tensor-parallel 7, seat r/0 has 2. Start all ranks of a replica alike.");
    }

    private static async Task<string> ClientProgramAsync(ReplicaFleet fleet, params string[] arguments)
    {
        var (exitCode, output, errors) = await RunningProgram.RunAsync(BuiltProgram.Client, [.. arguments, "--server", fleet.Gateway.Server.ToString()]);
        Assert.Equal((0, ""), (exitCode, errors));
        return output;
    }

    private static bool IsPast(ChatEvent happened) => happened.Delta is { } delta && delta.Offset + delta.TokenIds.Count > Seen;

    private static ChatRequest Long()
    {
        var request = SiloProcess.EndlessTurn("");
        request.MaxTokens = Tokens;
        return request;
    }

    [GeneratedRegex(@"r\s+serving\s+2 ")]
    private static partial Regex ServingInEpoch2();
}
