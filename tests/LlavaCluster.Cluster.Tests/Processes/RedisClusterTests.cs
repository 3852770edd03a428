using Grpc.Core;
using LlavaCluster.Client;
using LlavaCluster.Cluster.Tests.Storage;
using LlavaCluster.Protos;
using LlavaCluster.Silo.Hosting;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>Processes that share a Redis: two silos that are one cluster, and one that loses its Redis.</summary>
public sealed class RedisClusterTests(RedisServer redis) : IClassFixture<RedisServer>, IDisposable
{
    private const int Tokens = 200, Seen = 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task TwoGateways_OneSession_IsServedThroughEitherAndSurvivesBoth()
    {
        var golden = GoldenAnswer.Read("vicuna", "text-only");
        var (portA, portB) = (Ports.Free(), Ports.Free());
        var a = await MemberAsync("a", portA);
        await using var b = await MemberAsync("b", portB);

        // A turn through each; an image put through one is known to the other.
        var first = await a.ChatAsync("", golden.Tokens.Count, new Part { Text = "What is the capital of the green harbour?" });
        Assert.Equal(golden.Tokens, first.Tokens);
        var session = first.Started.SessionId;
        await using (var file = File.OpenRead(SamplePictures.PathOf("p2x2.png")))
        {
            var image = await a.Client.PutImageAsync(file);
            Assert.Equal(image, await b.Client.GetImageInfoAsync(image.Sha256));
        }

        var second = await b.ChatAsync(session, 8, new Part { Text = "And then?" });
        Assert.True(second.Started.CachedTokens > 0, "The second gateway does not know where the session's KV is.");
        Assert.Equal(await a.Client.GetSessionAsync(session), await b.Client.GetSessionAsync(session));
        Assert.Contains(await ListedAsync(b), listed => listed.SessionId == session);

        // The same turn read through both while it runs.
        var expected = await Answer.ReadAsync(a.Client.ChatAsync(Long("")));
        var joined = new List<int>();
        var both = await Answer.ReadAsync(WithAtAsync(a.Client.ChatAsync(Long("")), async begun =>
        {
            await foreach (var happened in b.Client.ChatAsync(Long(begun.SessionId, begun.TurnId, resumeFrom: 5)).Bounded())
            {
                joined.AddRange(happened.Delta?.TokenIds ?? []);
            }
        }));
        Assert.Equal(expected.Tokens, both.Tokens);
        Assert.Equal(expected.Tokens.Skip(5), joined);

        // The first gateway dies in the middle: the client goes on through the second.
        var (begunOnA, seen) = await CutAsync(a);
        await a.DisposeAsync();
        var rest = await ResumeAsync(b, begunOnA, seen.Count);
        Assert.Equal(expected.Tokens, seen.Concat(rest));

        // All die in the middle: a process that starts later goes on from the log, and does not begin anew.
        var (begunOnB, seenOfB) = await CutAsync(b);
        await b.DisposeAsync();
        await using var later = await MemberAsync("a", portA);
        var restOfB = await ResumeAsync(later, begunOnB, seenOfB.Count);
        Assert.Equal(expected.Tokens, seenOfB.Concat(restOfB));
        await later.Program.ErrorsAsync($"turn {begunOnB.TurnId} accepted with");
        Assert.DoesNotContain(", 0 of its answer", later.Program.Errors);
    }

    [Fact]
    public async Task RedisLost_MidTurn_HealsOrIsTold()
    {
        await using var silo = await SiloProcess.StartAsync(
            _folder.Of("one"), "--store", "redis", "--redis", redis.Address, "--cluster", "lost", "--redis-patience-seconds", "2");
        var expected = await Answer.ReadAsync(silo.Client.ChatAsync(Long("")));

        // It dies and comes back while a turn runs.
        var answer = await Answer.ReadAsync(WithAtAsync(silo.Client.ChatAsync(Long("")), async _ =>
        {
            await redis.KillAsync();
            await redis.StartAsync();
        }));
        Assert.Equal(expected.Tokens, answer.Tokens);
        Assert.Equal(Tokens, (await silo.Client.GetSessionAsync(answer.Started.SessionId)).Turns[0].AnswerTokens);

        // It does not move: said within its patience, and healed by asking again.
        redis.Freeze();
        var request = SiloProcess.Turn(answer.Started.SessionId, 4, new Part { Text = "More?" });
        request.TurnId = "more";
        var error = await Assert.ThrowsAsync<RpcException>(() => Answer.ReadAsync(silo.Client.ChatAsync(request)));
        redis.Thaw();
        Assert.Equal(
            (StatusCode.Unavailable,
                "The store of conversations (Redis) has not answered for 2 s. Ask again with the same turn id: it goes on."),
            (error.StatusCode, error.Status.Detail));
        Assert.Equal(4, (await ResumeAsync(silo, new TurnStarted { SessionId = request.SessionId, TurnId = "more" }, 0, request)).Count);

        // It forgot everything: the conversation is gone, and no other one was harmed.
        await redis.FlushAsync();
        var gone = await Assert.ThrowsAsync<RpcException>(() => silo.ChatAsync(request.SessionId, 4, new Part { Text = "Still there?" }));
        Assert.Equal(StatusCode.NotFound, gone.StatusCode);
        Assert.Equal(expected.Tokens, (await Answer.ReadAsync(silo.Client.ChatAsync(Long("")))).Tokens);
    }

    [Theory]
    [InlineData("--membership")]
    [InlineData("--store")]
    public async Task Start_NoRedis_SaysSo(string what)
    {
        var (exitCode, output, errors) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "serve", "--http", "0", "--grpc", "0", "--data", _folder.Of("none"), what, "redis", "--redis", "127.0.0.1:1");

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains("Redis at 127.0.0.1:1 cannot be reached: ", errors);
        Assert.Contains("Start it, or name another with --redis.", errors);
    }

    /// <summary>A silo with all roles that shares cluster and store with the others.</summary>
    private Task<SiloProcess> MemberAsync(string name, int siloPort) => SiloProcess.StartAsync(
        _folder.Of(name),
        "--membership", "redis", "--store", "redis", "--redis", redis.Address, "--cluster", "two", "--replica", name, "--encoder", name,
        "--silo-port", $"{siloPort}");

    private static ChatRequest Long(string session, string turn = "", int resumeFrom = 0)
    {
        var request = SiloProcess.EndlessTurn(session);
        (request.MaxTokens, request.TurnId, request.ResumeFrom) = (Tokens, turn, resumeFrom);
        return request;
    }

    /// <summary>The events of a turn; somewhere in the middle something is done.</summary>
    private static async IAsyncEnumerable<ChatEvent> WithAtAsync(IAsyncEnumerable<ChatEvent> events, Func<TurnStarted, Task> act)
    {
        TurnStarted? begun = null;
        Task? acting = null;
        await foreach (var happened in events.Bounded())
        {
            begun ??= happened.Started;
            acting = happened.Delta is { Offset: > Seen } ? acting ?? act(begun!) : acting;
            yield return happened;
        }

        Assert.NotNull(acting);
        await acting.WaitAsync(Patience);
    }

    /// <summary>
    /// Begins a turn and hears of it no more after some tokens; the turn still runs. Until a killed silo is known to be gone, a new turn
    /// may be refused because of it; then another is begun.
    /// </summary>
    private static async Task<(TurnStarted Begun, List<int> Seen)> CutAsync(SiloProcess silo)
    {
        using var patience = new CancellationTokenSource(Patience);
        var client = new LlavaClient(silo.Server, new ResumeOptions { GiveUpAfter = TimeSpan.Zero });
        while (true)
        {
            try
            {
                return await BeginAsync(client);
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable)
            {
                patience.Token.ThrowIfCancellationRequested();
            }
        }
    }

    private static async Task<(TurnStarted Begun, List<int> Seen)> BeginAsync(LlavaClient client)
    {
        var events = client.ChatAsync(Long("")).Bounded().GetAsyncEnumerator();
        TurnStarted? begun = null;
        var seen = new List<int>();
        while (seen.Count < 2 * Seen)
        {
            Assert.True(await events.MoveNextAsync());
            begun ??= events.Current.Started;
            seen.AddRange(events.Current.Delta?.TokenIds ?? []);
        }

        return (begun!, seen);
    }

    /// <summary>Asks for a turn's rest until somebody gives it.</summary>
    private static async Task<List<int>> ResumeAsync(SiloProcess silo, TurnStarted begun, int from, ChatRequest? request = null)
    {
        using var patience = new CancellationTokenSource(Patience);
        var ask = request ?? Long(begun.SessionId, begun.TurnId, from);
        while (true)
        {
            try
            {
                var tokens = new List<int>();
                await foreach (var happened in silo.Client.ChatAsync(ask, patience.Token))
                {
                    Assert.Equal(from + tokens.Count, happened.Delta is { TokenIds.Count: > 0 } delta ? delta.Offset : from + tokens.Count);
                    tokens.AddRange(happened.Delta?.TokenIds ?? []);
                }

                return tokens;
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable)
            {
                patience.Token.ThrowIfCancellationRequested();
            }
        }
    }

    private static async Task<List<ListSessionsResponse.Types.Entry>> ListedAsync(SiloProcess silo)
    {
        var listed = new List<ListSessionsResponse.Types.Entry>();
        await foreach (var session in silo.Client.ListSessionsAsync().Bounded())
        {
            listed.Add(session);
        }

        return listed;
    }
}
