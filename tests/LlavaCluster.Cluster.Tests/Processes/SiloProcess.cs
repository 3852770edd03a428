using System.Text.RegularExpressions;
using LlavaCluster.Client;
using LlavaCluster.Protos;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>A <c>llava-silo serve</c> process on free ports that is ready.</summary>
internal sealed partial class SiloProcess : IAsyncDisposable
{
    private SiloProcess(RunningProgram program, int http, int grpc)
    {
        (Program, HttpPort, Server) = (program, http, new Uri($"http://127.0.0.1:{grpc}"));
        Client = new LlavaClient(Server);
    }

    /// <summary>The process.</summary>
    public RunningProgram Program { get; }

    /// <summary>Its HTTP port.</summary>
    public int HttpPort { get; }

    /// <summary>Its gRPC address.</summary>
    public Uri Server { get; }

    /// <summary>A client of it.</summary>
    public LlavaClient Client { get; }

    /// <summary>Starts one on free ports, with the golden vicuna, and waits for its ready line.</summary>
    public static Task<SiloProcess> StartAsync(string data, params string[] more) => StartAtAsync(0, data, more);

    /// <summary>Starts one at this gRPC port, with the golden vicuna, and waits for its ready line.</summary>
    public static Task<SiloProcess> StartAtAsync(int grpc, string data, params string[] more) =>
        StartOfAsync("vicuna", grpc, ["--data", data, .. more]);

    /// <summary>Starts one with a golden checkpoint and waits for its ready line.</summary>
    public static async Task<SiloProcess> StartOfAsync(string checkpoint, int grpc, params string[] more)
    {
        var program = RunningProgram.Start(
            BuiltProgram.Silo,
            ["serve", "--model", GoldenFolder.Of("checkpoints", checkpoint), "--http", "0", "--grpc", $"{grpc}", "--dtype", "float32", .. more]);
        try
        {
            await program.OutputAsync("ready ");
            await program.OutputAsync("\n");
            var line = ReadyLine().Match(program.Output);
            Assert.True(line.Success, program.Output);
            return new SiloProcess(program, int.Parse(line.Groups["http"].Value), int.Parse(line.Groups["grpc"].Value));
        }
        catch
        {
            // Nobody else knows of it.
            await program.DisposeAsync();
            throw;
        }
    }

    /// <summary>One turn, to its end.</summary>
    public async Task<Answer> ChatAsync(string session, int maxTokens, params Part[] parts) =>
        await Answer.ReadAsync(Client.ChatAsync(Turn(session, maxTokens, parts)));

    /// <summary>A turn of these parts, greedy.</summary>
    public static ChatRequest Turn(string session, int maxTokens, params Part[] parts)
    {
        var request = new ChatRequest { SessionId = session, MaxTokens = maxTokens };
        request.Parts.AddRange(parts);
        return request;
    }

    /// <summary>
    /// A turn that goes on until the context is full or somebody ends it: the end-of-sequence id is forbidden.
    /// </summary>
    public static ChatRequest EndlessTurn(string session)
    {
        var request = Turn(session, 100_000, new Part { Text = "Tell me everything." });
        request.Sampling = new SamplingOptions { LogitBias = { [2] = -100 } };
        return request;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Program.DisposeAsync();
    }

    [GeneratedRegex(@"^ready http=(?<http>\d+) grpc=(?<grpc>\d+) silo=127\.0\.0\.1:\d+ roles=[a-z,]+\n$")]
    private static partial Regex ReadyLine();
}

/// <summary>What came of a turn.</summary>
internal sealed record Answer(TurnStarted Started, IReadOnlyList<int> Tokens, string Text, TurnFinished Finished)
{
    /// <summary>Reads a turn's events, holding them against the order that the interface promises.</summary>
    public static async Task<Answer> ReadAsync(IAsyncEnumerable<ChatEvent> events)
    {
        TurnStarted? started = null;
        TurnFinished? finished = null;
        var tokens = new List<int>();
        var text = "";
        await foreach (var happened in events.Bounded())
        {
            Assert.Null(finished);
            switch (happened.EventCase)
            {
                case ChatEvent.EventOneofCase.Started:
                    Assert.Null(started);
                    started = happened.Started;
                    break;
                case ChatEvent.EventOneofCase.Delta:
                    Assert.NotNull(started);
                    Assert.Equal(tokens.Count, happened.Delta.Offset);
                    tokens.AddRange(happened.Delta.TokenIds);
                    text += happened.Delta.Text;
                    break;
                default:
                    finished = happened.Finished;
                    break;
            }
        }

        Assert.NotNull(started);
        Assert.NotNull(finished);
        Assert.Equal(tokens.Count, finished.Usage.GeneratedTokens);
        return new Answer(started, tokens, text, finished);
    }
}
