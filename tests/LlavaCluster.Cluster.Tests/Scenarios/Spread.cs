namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// When all is said: what a conversation had computed before, its next turn found again, whichever gateway it came through; and the
/// encoders had the same to do.
/// </summary>
/// <param name="Found">Part of the tokens that could be found which must have been.</param>
/// <param name="Uneven">How far an encoder's tiles may be from an even share, as part of it.</param>
internal sealed record Spread(double Found, double Uneven) : Act
{
    /// <inheritdoc/>
    public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
    {
        await run.TalkedAsync(cancellationToken);
        var (due, found) = (run.Talkers.Sum(talker => talker.Due), run.Talkers.Sum(talker => talker.Found));
        run.Say($"found again: {found:N0} of {due:N0} tokens that a replica had computed for the conversation, {(double)found / due:P3}");
        var fleet = await run.FleetAsync(cancellationToken);
        var tiles = fleet.Silos.Where(silo => silo.Encoder is not null).Select(silo => silo.Encoder.TilesEncoded).ToArray();
        run.Say($"tiles: {string.Join(" + ", tiles)}, {(tiles.Max() / tiles.Average()) - 1:P1} from even");
        var sessions = run.Talkers.CountBy(talker => talker.Replica).OrderBy(count => count.Key, StringComparer.Ordinal);
        run.Say($"conversations: {string.Join(" + ", sessions.Select(count => $"{count.Value} at {count.Key}"))}; {run.Talkers.Sum(talker => talker.Moves)} moved");

        run.Require(found >= Found * due, $"{found:N0} of {due:N0} tokens were found again; {Found:P0} are due");
        run.Require(tiles.All(some => Math.Abs(some - tiles.Average()) <= Uneven * tiles.Average()), $"the encoders encoded {string.Join(" and ", tiles)} tiles");
    }
}
