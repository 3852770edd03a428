using Grpc.Core;
using LlavaCluster.Cluster.Tests.Processes;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// Conversations before those that count, some for every silo: what a process does for the first time, compiling and loading code, takes
/// seconds, and would be taken for what a fault costs.
/// </summary>
internal static class WarmUp
{
    private const int Rounds = 2, TurnsPerSilo = 2, Tokens = 8;

    private const string Picture = "p336x336.png";

    /// <summary>Goes on until all are answered.</summary>
    public static async Task RunAsync(SceneCluster cluster, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var round = 0; round < Rounds; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, TurnsPerSilo * cluster.Silos.Count).Select(
                i => AskAsync(cluster, i, $"warm {round}/{i}", time, cancellationToken)));
        }
    }

    private static async Task AskAsync(SceneCluster cluster, int number, string note, TimeProvider time, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                using var call = cluster.Gateways[number % cluster.Gateways.Count].Chat(
                    SiloProcess.Turn("", Tokens, SamplePictures.Marked(Picture, note), new Protos.Part { Text = note }), cancellationToken: cancellationToken);
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
