using LlavaCluster.Cluster.Tests.Processes;
using LlavaCluster.Protos;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>After the talks: many new conversations bring the same picture at once, through all gateways; it is encoded once.</summary>
/// <param name="Sessions">How many.</param>
internal sealed record SameImage(int Sessions) : Act
{
    private const string Picture = "p336x336.png";

    /// <inheritdoc/>
    public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
    {
        await run.TalkedAsync(cancellationToken);
        // The same pixels under another hash tell how many tiles there are.
        var tiles = await TilesOfAsync(run, 1, "alone", cancellationToken);
        var together = await TilesOfAsync(run, Sessions, "together", cancellationToken);
        run.Say($"the same picture of {tiles} tiles in {Sessions} conversations at once: {together} tiles encoded");
        run.Require(together == tiles, $"{Sessions} conversations that brought the same picture of {tiles} tiles had {together} encoded");
    }

    private static async Task<long> TilesOfAsync(SceneRun run, int sessions, string note, CancellationToken cancellationToken)
    {
        var before = Tiles(await run.FleetAsync(cancellationToken));
        await Task.WhenAll(Enumerable.Range(0, sessions).Select(async i =>
        {
            var request = SiloProcess.Turn("", 4, SamplePictures.Marked(Picture, note), new Part { Text = $"What is {i} here?" });
            using var call = run.Cluster.Gateways[i % run.Cluster.Gateways.Count].Chat(request, cancellationToken: cancellationToken);
            while (await call.ResponseStream.MoveNext(cancellationToken))
            {
            }
        }));
        return Tiles(await run.FleetAsync(cancellationToken)) - before;
    }

    private static long Tiles(GetFleetResponse fleet) => fleet.Silos.Sum(silo => silo.Encoder?.TilesEncoded ?? 0);
}
