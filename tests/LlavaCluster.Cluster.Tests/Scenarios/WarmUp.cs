using Grpc.Core;
using LlavaCluster.Cluster.Tests.Processes;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// Conversations before those that count, some for every silo: what a process does for the first time, compiling and loading code, takes
/// seconds, and would be taken for what a fault costs.
/// </summary>
internal static class WarmUp
{
    private const int Rounds = 2, TurnsPerSilo = 2, Tokens = 8, Stride = 1000;

    /// <summary>Of different forms, since each has code of its own.</summary>
    private static readonly string[] Pictures = ["p801x37.png", "p37x801.png", "p161x184.png", "p336x336.png"];

    /// <summary>Goes on until all are answered.</summary>
    public static async Task RunAsync(SceneCluster cluster, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var round = 0; round < Rounds; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, TurnsPerSilo * cluster.Silos.Count).Select(
                i => AskAsync(cluster, (round * Stride) + i, time, cancellationToken)));
        }
    }

    private static async Task AskAsync(SceneCluster cluster, int number, TimeProvider time, CancellationToken cancellationToken)
    {
        var picture = SamplePictures.Marked(Pictures[number % Pictures.Length], $"warm {number}");
        while (true)
        {
            try
            {
                using var call = cluster.Gateways[number / Pictures.Length % cluster.Gateways.Count].Chat(
                    SiloProcess.Turn("", Tokens, picture, new Protos.Part { Text = $"Is it warm {number}?" }), cancellationToken: cancellationToken);
                while (await call.ResponseStream.MoveNext(cancellationToken))
                {
                }

                return;
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable && !cancellationToken.IsCancellationRequested)
            {
                // Not all have heard of each other.
                await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellationToken);
            }
        }
    }
}
