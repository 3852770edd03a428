using Grpc.Core;
using LlavaCluster.Cluster.Tests.Processes;
using LlavaCluster.Protos;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// Clients that vanish in the middle of their answers, all at once, without a word. What they held must be free at once: then a turn that
/// needs nearly every KV block of the only decoder, which the scene has made as large as one context, gets its place.
/// </summary>
/// <param name="Clients">How many vanish.</param>
/// <param name="Streaming">So many of them have tokens when they do; the others wait for a place or were refused.</param>
/// <param name="WithinSeconds">How soon the blocks must be free.</param>
internal sealed record Vanish(int Clients, int Streaming, double WithinSeconds) : Act
{
    /// <summary>2,928 and 936 tokens: with the words 3,880 of the 4,096 that fit.</summary>
    private static readonly string[] Pictures = ["p672x672.png", "p37x801.png"];

    /// <inheritdoc/>
    public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
    {
        await LeaveAsync(run, cancellationToken);
        var began = run.Time.GetTimestamp();
        var request = SiloProcess.Turn("", 4, [.. Pictures.Select(SamplePictures.Of), new Part { Text = "And now?" }]);
        using var call = run.Cluster.Gateways[0].Chat(request, cancellationToken: cancellationToken);
        run.Require(await call.ResponseStream.MoveNext(cancellationToken), "the turn that needs all blocks ends without a word");
        var took = run.Time.GetElapsedTime(began).TotalSeconds;
        run.Require(
            took <= WithinSeconds * run.Slack,
            $"{took:F1} s after the clients have gone their KV blocks are free; {WithinSeconds * run.Slack:F1} s are allowed");
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
        }
    }

    private async Task LeaveAsync(SceneRun run, CancellationToken cancellationToken)
    {
        var (client, connection) = run.Cluster.OwnClient(0);
        var streaming = 0;
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var clients = Enumerable.Range(0, Clients).Select(_ => StreamAsync(client, () =>
        {
            if (Interlocked.Increment(ref streaming) == Streaming)
            {
                enough.SetResult();
            }
        })).ToArray();
        await enough.Task.WaitAsync(cancellationToken);
        await run.StrikeAsync(cancellationToken);
        connection.Dispose();
        run.Watch.Calm();
        await Task.WhenAll(clients);
    }

    /// <summary>Listens until its connection is gone.</summary>
    private static async Task StreamAsync(Llava.LlavaClient client, Action onToken)
    {
        var told = false;
        try
        {
            using var call = client.Chat(SiloProcess.EndlessTurn(""));
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
            {
                if (!told && call.ResponseStream.Current.Delta is { TokenIds.Count: > 0 })
                {
                    told = true;
                    onToken();
                }
            }
        }
        catch (Exception error) when (error is RpcException or ObjectDisposedException or OperationCanceledException)
        {
            // Refused since too many wait, or gone: both are as they should be.
        }
    }
}
