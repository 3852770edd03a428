namespace LlavaCluster.Benchmarks.Table;

/// <summary>
/// Memory of an engine through many turns about many pictures: a line through the resident memory, after half as many turns in which heaps
/// find their size (steps of some megabytes until turn 900 to 1,150 were seen). It counts as flat when it grows by no more than 1 % of
/// the memory in as many turns.
/// </summary>
internal sealed class MemoryRow() : TableRow("memory", "memory growth, 2,000 turns, 500 distinct images, after 1,000 turns", 0.01)
{
    private const int Side = 336, Answer = 4;

    /// <summary>So few that they are full long before the line begins: a cache that still fills would look like a leak.</summary>
    private const long FeatureBytes = 1 << 20;

    /// <inheritdoc/>
    public override bool AtMost => true;

    /// <inheritdoc/>
    public override async Task<RowResult> MeasureAsync(TableRun run, CancellationToken cancellationToken)
    {
        if (!run.IsChild)
        {
            // Here the rows before would still be giving back what they had.
            return await ChildProcess.MeasureAsync(Name, run, cancellationToken);
        }

        var (turns, images) = run.Quick ? (200, 50) : (2000, 500);
        await using var engine = new TimedEngine(run, Tests.GoldenFolder.Of("checkpoints", "vicuna"), kvBlocks: 512, FeatureBytes);
        await engine.StartAsync(cancellationToken);
        var points = new List<(double Turn, double Bytes)>();
        for (var turn = -turns / 2; turn < turns; turn++)
        {
            // Four turns about a picture: two of a session, two of another.
            var picture = (turn + (turns / 2)) / (turns / images);
            var image = engine.AddPicture(picture, Side, Side, offset: 5);
            int[] ids = [1, 7, 8, 9, 10, .. Enumerable.Repeat(engine.Config.ImageTokenId, image.Length), 11 + (turn & 3), 12];
            await engine.AskAsync(ids, [image], Answer, cancellationToken);
            if (turn % (turns / 40) == 0)
            {
                points.Add((turn, ResidentMemory.Now(collect: true)));
                run.Say($"  turn {turn:N0}: {points[^1].Bytes / (1 << 20):F0} MiB");
            }
        }

        var settled = points.FindAll(point => point.Turn >= 0);
        var (slope, error) = Line(settled);
        var memory = settled.Average(point => point.Bytes);
        var growth = Math.Max(0, slope * turns);
        return new RowResult(
            growth / (1 << 20),
            memory / (1 << 20),
            "MiB",
            growth / memory,
            $"slope {slope / 1024:F2} ± {2 * error / 1024:F2} KiB a turn, {turns:N0} turns, {images} images, golden checkpoint 'vicuna'");
    }

    /// <summary>Least squares: the slope and its standard error.</summary>
    private static (double Slope, double Error) Line(IReadOnlyList<(double X, double Y)> points)
    {
        var (x, y) = (points.Average(p => p.X), points.Average(p => p.Y));
        var spread = points.Sum(p => (p.X - x) * (p.X - x));
        var slope = points.Sum(p => (p.X - x) * (p.Y - y)) / spread;
        var rest = points.Sum(p => Math.Pow(p.Y - y - (slope * (p.X - x)), 2));
        return (slope, Math.Sqrt(rest / (points.Count - 2) / spread));
    }
}
