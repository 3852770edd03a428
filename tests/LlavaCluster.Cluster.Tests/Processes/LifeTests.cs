using System.Net;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Reflection.V1Alpha;
using LlavaCluster.Protos;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>How a silo process says that it lives, and how it ends.</summary>
[Collection(SharedSiloTests.Name)]
public sealed class LifeTests(SharedSilo silo)
{
    [Theory]
    [InlineData("")]
    [InlineData("llava.v1.Llava")]
    public async Task GrpcHealth_Ready_IsServing(string service)
    {
        using var channel = GrpcChannel.ForAddress(silo.Process.Server);
        var health = await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest { Service = service });

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Fact]
    public async Task Reflection_Services_AreListed()
    {
        using var channel = GrpcChannel.ForAddress(silo.Process.Server);
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        await call.RequestStream.CompleteAsync();
        Assert.True(await call.ResponseStream.MoveNext());

        Assert.Contains("llava.v1.Llava", call.ResponseStream.Current.ListServicesResponse.Service.Select(s => s.Name));
    }

    [Theory]
    [InlineData("live")]
    [InlineData("ready")]
    public async Task HttpHealth_Ready_IsOk(string probe) =>
        Assert.Equal(HttpStatusCode.OK, await ProbeAsync(silo.Process, probe));

    [Fact]
    public async Task Terminate_TurnRunning_DrainsThenExitsWithZero()
    {
        using var folder = new ScratchFolder();
        await using var process = await SiloProcess.StartAsync(folder.Of("data"), "--drain-seconds", "100");
        var turn = process.Client.ChatAsync(SiloProcess.EndlessTurn("")).GetAsyncEnumerator();
        Assert.True(await turn.MoveNextAsync());
        var session = turn.Current.Started.SessionId;
        process.Program.Signal(RunningProgram.Terminate);
        await process.Program.ErrorsAsync("Draining: 1 turns may go on for 100 s;");

        Assert.Equal(HttpStatusCode.OK, await ProbeAsync(process, "live"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await ProbeAsync(process, "ready"));
        var refused = await Assert.ThrowsAsync<RpcException>(
            () => process.ChatAsync("", 2, new Part { Text = "Me too?" }));
        Assert.Equal(
            (StatusCode.Unavailable, "The server is shutting down and takes no new turns. Ask another gateway, or try again later."),
            (refused.StatusCode, refused.Status.Detail));
        Assert.Contains(refused.Trailers, t => t.Key == "grpc-retry-pushback-ms");

        Assert.True(await process.Client.CancelTurnAsync(session));
        while (turn.Current.Finished is null)
        {
            Assert.True(await turn.MoveNextAsync());
        }

        Assert.Equal(FinishReason.Cancelled, turn.Current.Finished.Reason);
        var (exitCode, output, _) = await process.Program.ExitAsync();
        Assert.Equal(0, exitCode);
        Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Kill_TurnRunning_ClientGoesOnAfterRestart()
    {
        using var folder = new ScratchFolder();
        var request = SiloProcess.EndlessTurn("");
        request.MaxTokens = 200;
        var expected = await Answer.ReadAsync(silo.Client.ChatAsync(request));
        var process = await SiloProcess.StartAsync(folder.Of("data"));
        SiloProcess? after = null;
        async IAsyncEnumerable<ChatEvent> Broken()
        {
            await foreach (var happened in process.Client.ChatAsync(request).Bounded())
            {
                yield return happened;
                if (after is null && happened.Delta is { Offset: > 20 })
                {
                    await process.Program.DisposeAsync(); // killed
                    after = await SiloProcess.StartAtAsync(process.Server.Port, folder.Of("data"));
                }
            }
        }

        var answer = await Answer.ReadAsync(Broken());

        Assert.NotNull(after);
        Assert.Equal(expected.Tokens, answer.Tokens);
        Assert.Equal(expected.Text, answer.Text);
        process.Client.Dispose();
        await after.DisposeAsync();
    }

    private static async Task<HttpStatusCode> ProbeAsync(SiloProcess process, string probe)
    {
        using var http = new HttpClient();
        return (await http.GetAsync(new Uri($"http://127.0.0.1:{process.HttpPort}/health/{probe}"))).StatusCode;
    }
}
