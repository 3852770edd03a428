using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using LlavaCluster.Cluster.Tests.Processes;
using LlavaCluster.Protos;
using LlavaCluster.Tests;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// Damaged image files, some put, some sent inside a turn. Each must be taken or refused as a bad argument, and no process may grow over
/// them: of what is resident the lowest counts, since between collections it goes up and down by a hundred MiB, and nothing of the first
/// two fifths of the files, over which caches, pools and the heap's reserve fill up.
/// </summary>
/// <param name="Files">How many; a multiple of 50.</param>
/// <param name="GrowthMib">By how much the lowest resident memory over the last fifth may exceed the lowest over the third one, MiB.</param>
internal sealed record Poison(int Files, int GrowthMib) : Act
{
    private const int AtOnce = 8, HeaderBytes = 64, Seed = 20_260_101, Fifths = 5, LooksPerFifth = 10;

    /// <inheritdoc/>
    public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
    {
        await run.StrikeAsync(cancellationToken);
        var originals = MutatedFiles.Originals();
        var random = new Random(Seed);
        var files = Enumerable.Range(0, Files).Select(i => MutatedFiles.Mutate(originals[i % originals.Count], random, HeaderBytes)).ToArray();
        var between = Files / (Fifths * LooksPerFifth);
        var looks = run.Cluster.Silos.ToDictionary(silo => silo, _ => new List<int>());
        for (var at = 0; at < Files; at += between)
        {
            await SendAsync(run, files.AsMemory(at, between), cancellationToken);
            foreach (var (silo, resident) in looks)
            {
                resident.Add(ResidentMib(silo));
            }
        }

        foreach (var (silo, resident) in looks)
        {
            int[] lowest = [.. resident.Chunk(LooksPerFifth).Select(fifth => fifth.Min())];
            run.Require(
                lowest[^1] - lowest[2] <= GrowthMib,
                $"{silo.Plan.Name} grows over {Files} damaged images: {string.Join(", ", lowest)} MiB are the lowest of each fifth; "
                + $"from the third to the last {GrowthMib} MiB more are allowed");
        }
    }

    private static Task SendAsync(SceneRun run, ReadOnlyMemory<byte[]> files, CancellationToken cancellationToken) => Parallel.ForAsync(
        0,
        files.Length,
        new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
        async (i, cancel) =>
        {
            var gateway = run.Cluster.Gateways[i % run.Cluster.Gateways.Count];
            try
            {
                await (i % 2 == 0 ? PutAsync(gateway, files.Span[i], cancel) : ChatAsync(gateway, files.Span[i], cancel));
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.InvalidArgument)
            {
            }
            catch (RpcException error)
            {
                throw new SceneFailedException($"a damaged image is answered with {error.Status}", error);
            }
        });

    private static async Task PutAsync(Llava.LlavaClient gateway, byte[] file, CancellationToken cancellationToken)
    {
        using var call = gateway.PutImage(cancellationToken: cancellationToken);
        await call.RequestStream.WriteAsync(new PutImageRequest { Data = ByteString.CopyFrom(file) }, cancellationToken);
        await call.RequestStream.CompleteAsync();
        await call.ResponseAsync;
    }

    private static async Task ChatAsync(Llava.LlavaClient gateway, byte[] file, CancellationToken cancellationToken)
    {
        using var call = gateway.Chat(
            SiloProcess.Turn("", 1, SamplePictures.Part(file), new Part { Text = "What is this?" }), cancellationToken: cancellationToken);
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
        }
    }

    private static int ResidentMib(SceneSilo silo)
    {
        var line = File.ReadLines($"/proc/{silo.Program.Id}/status").Single(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return int.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) >> 10;
    }
}
