using System.Diagnostics;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Model;
using LlavaCluster.Model.Weights;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>
/// What readers of running answers wait between two tokens while pictures of 5 tiles come to the encoder, one each second, beside what they
/// wait without. The pictures are encoded by the same process on the same processors; nobody asks about them, so no prompt stands between.
/// </summary>
internal sealed class BesideRow() : TableRow("beside", "p99 between tokens of 4 text sessions, a 5-tile image arriving each second", 1.5)
{
    private const int Sessions = 4, Prompt = 128, Side = 672;

    /// <summary>So many pictures are waited for, to see that they get on: a tower that never gets its turn would make the best of rows.</summary>
    private const int Pictures = 3;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    public override bool AtMost => true;

    /// <inheritdoc/>
    public override bool CpuOnly => true;

    /// <inheritdoc/>
    public override async Task<RowResult> MeasureAsync(TableRun run, CancellationToken cancellationToken)
    {
        await using var engine = new TimedEngine(run, run.BenchCheckpoint(), kvBlocks: 256);
        await engine.StartAsync(cancellationToken);
        await using var encoder = Encoder(run, run.BenchCheckpoint());
        await encoder.StartAsync(cancellationToken);
        await encoder.EncodeAsync(NoisePicture.HashOf(0), default, cancellationToken); // its threads and memory are there
        var start = Stopwatch.GetTimestamp();
        var tiles = (await encoder.EncodeAsync(NoisePicture.HashOf(-1), default, cancellationToken)).Tiles;
        var tilesAlone = tiles / Stopwatch.GetElapsedTime(start).TotalSeconds;
        var tokens = run.Quick ? 150 : 500;
        await TalkAsync(engine, tokens / 2, cancellationToken);
        var alone = await TalkAsync(engine, tokens, cancellationToken);
        run.Say($"  alone: {Tell(alone)}");

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var before = encoder.TilesEncoded;
        start = Stopwatch.GetTimestamp();
        var sending = SendAsync(encoder, ending.Token);
        var waits = new List<double>();
        do
        {
            waits.AddRange(await TalkAsync(engine, tokens, cancellationToken));
        }
        while (encoder.TilesEncoded - before < Pictures * tiles && Stopwatch.GetElapsedTime(start) < Longest);

        var tilesBeside = (encoder.TilesEncoded - before) / Stopwatch.GetElapsedTime(start).TotalSeconds;
        await ending.CancelAsync();
        await sending;
        double[] beside = [.. waits.Order()];
        run.Say(FormattableString.Invariant($"  beside: {Tell(beside)}, {tilesBeside:f2} tiles/s encoded, {tilesAlone:f2} alone"));
        var (measured, baseline) = (At(beside, 0.99), At(alone, 0.99));
        return new RowResult(
            measured,
            baseline,
            "ms",
            measured / baseline,
            FormattableString.Invariant($"p50 {At(beside, 0.5):f1} and {At(alone, 0.5):f1} ms; {tilesBeside:f2} tiles/s, {tilesAlone:f2} without readers"));
    }

    private static EncodeLoop Encoder(TableRun run, string folder)
    {
        var (config, device) = (LlavaConfigReader.Read(folder), run.Device);
        var pictures = 0;
        return new EncodeLoop(
            () =>
            {
                using var weights = new CheckpointWeights(folder, config, device.Device, device.Type);
                return new VisionEncoder(config, weights, device);
            },
            new NoDecoder(),
            _ => NoisePicture.Of(config, Side, Side, Interlocked.Increment(ref pictures)),
            new ImageLimits(),
            new EncodeLoopOptions());
    }

    /// <summary>Every session asks once, all together: a prompt in between would be seen by the others.</summary>
    /// <returns>What they waited between tokens, ms, in order.</returns>
    private static async Task<double[]> TalkAsync(TimedEngine engine, int tokens, CancellationToken cancellationToken)
    {
        var sessions = Enumerable.Range(0, Sessions).Select(async number =>
        {
            var waits = new List<double>();
            int[] ids = [.. Enumerable.Range(0, Prompt).Select(i => 3 + (((i * 37) + (number * 101)) % 1000))];
            await engine.ListenAsync(ids, tokens, waits, cancellationToken);
            return waits;
        });
        return [.. (await Task.WhenAll(sessions)).SelectMany(waits => waits).Order()];
    }

    private static async Task SendAsync(EncodeLoop encoder, CancellationToken ending)
    {
        var pictures = new List<Task<ImageFeatures>>();
        using var seconds = new PeriodicTimer(TimeSpan.FromSeconds(1), TimeProvider.System);
        do
        {
            pictures.Add(encoder.EncodeAsync(NoisePicture.HashOf(pictures.Count + 1), default, ending));
        }
        while (await TicksAsync(seconds, ending));

        await Task.WhenAll(pictures).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    private static async Task<bool> TicksAsync(PeriodicTimer timer, CancellationToken ending)
    {
        try
        {
            return await timer.WaitForNextTickAsync(ending);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static string Tell(double[] waits)
        => FormattableString.Invariant($"p50 {At(waits, 0.5):f1}, p99 {At(waits, 0.99):f1}, most {waits[^1]:f1} ms, {waits.Length} tokens");

    private static double At(double[] waits, double share) => waits[(int)(share * (waits.Length - 1))];

    /// <summary>Files are empty here: tiles are drawn.</summary>
    private sealed class NoDecoder : IImageDecoder
    {
        public PixelBuffer Decode(ReadOnlySpan<byte> file, ImageLimits limits) => new(1, 1, new byte[3]);
    }
}
