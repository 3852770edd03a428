namespace LlavaCluster.Benchmarks.Table;

/// <summary>
/// What a conversation about a picture saves: time to the first token beside that of the picture's first turn, with vision tower and
/// prefill. The median over a few pictures.
/// </summary>
/// <param name="name">Names it for <c>--only</c>.</param>
/// <param name="what">What is measured.</param>
/// <param name="goal">Share of the first turn's time.</param>
/// <param name="newSession">A new session asks something else about the picture; else the same one goes on.</param>
internal sealed class ConversationRow(string name, string what, double goal, bool newSession) : TableRow(name, what, goal)
{
    private const int Side = 672, Text = 20, Answer = 20;

    /// <inheritdoc/>
    public override bool AtMost => true;

    /// <inheritdoc/>
    public override async Task<RowResult> MeasureAsync(TableRun run, CancellationToken cancellationToken)
    {
        await using var engine = new TimedEngine(run, run.BenchCheckpoint(), kvBlocks: 1024);
        await engine.StartAsync(cancellationToken);
        var pictures = run.Quick ? 2 : 3;
        var turns = new List<(double First, double Later, int Cached)>();
        for (var picture = 0; picture <= pictures; picture++)
        {
            run.Say($"  picture {picture} of {pictures}");
            var image = engine.AddPicture(picture, Side, Side, Text);
            int[] opening = [.. Ids(Text, 1), .. Enumerable.Repeat(engine.Config.ImageTokenId, image.Length)];
            int[] prompt = [.. opening, .. Ids(Text, 2)];
            var first = await engine.AskAsync(prompt, [image], Answer, cancellationToken);
            int[] next = newSession ? [.. opening, .. Ids(Text, 3)] : [.. prompt, .. first.Answer, .. Ids(Text, 3)];
            var later = await engine.AskAsync(next, [image], Answer, cancellationToken);
            if (picture > 0) // the first one warms up
            {
                turns.Add((first.First.TotalMilliseconds, later.First.TotalMilliseconds, later.Cached));
            }
        }

        var median = turns.OrderBy(turn => turn.Later / turn.First).ElementAt(turns.Count / 2);
        return new RowResult(median.Later, median.First, "ms", median.Later / median.First, $"{median.Cached:N0} tokens from the cache");
    }

    private static IEnumerable<int> Ids(int count, int seed) => Enumerable.Range(0, count).Select(i => 3 + (((i * 37) + (seed * 101)) % 1000));
}
