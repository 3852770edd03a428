using System.CommandLine;
using LlavaCluster.Benchmarks.Table;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Model;

namespace LlavaCluster.Benchmarks.Tiering;

/// <summary>
/// What a conversation about a picture waits for its next first token, by where its KV is: on the device (the baseline), on the device
/// again after a warm-up, in host memory, on the disk, nowhere. Whole engine with the checkpoint of shape <c>bench</c>, without grains
/// and edge. Between two turns another conversation takes the whole device.
/// </summary>
internal static class TierBenchmark
{
    private const int Side = 672, Text = 20, Answer = 20;

    private static readonly Option<int> Conversations = new("--conversations") { DefaultValueFactory = _ => 5, Description = "measured, each way" };

    public static Command Command()
    {
        var command = new Command("tiers", "First token of a conversation whose KV left the device.") { Conversations };
        command.SetAction((arguments, cancellationToken) => RunAsync(arguments.GetRequiredValue(Conversations), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int count, CancellationToken cancellationToken)
    {
        var scratch = Directory.CreateTempSubdirectory("llava-tiers-");
        try
        {
            var run = new TableRun(
                Path.Combine(Path.GetTempPath(), "llava-bench"), quick: false, Environment.ProcessorCount, isChild: false, Console.Error.WriteLine);
            var hot = await MeasureAsync(run, "hot", new ModelRunnerOptions { KvBlocks = 256 }, Between.Nothing, count, cancellationToken);
            Tell("on the device", hot, hot, $"{Machine.Processor()}, load {Machine.Load()}");
            var host = new ModelRunnerOptions { KvBlocks = 256, KvHostBlocks = 1536 };
            var warmed = await MeasureAsync(run, "warm", host, Between.PushDownAndWarm, count, cancellationToken);
            Tell("after WarmSession", warmed, hot, warmed.First <= 1.2 * hot.First ? "goal 1.2 × met" : "goal 1.2 × missed");
            Tell("in host memory", await MeasureAsync(run, "host", host, Between.PushDown, count, cancellationToken), hot, "");
            var disk = new ModelRunnerOptions { KvBlocks = 256, KvHostBlocks = 32, KvDiskBlocks = 4096, KvFolder = scratch.FullName };
            Tell("on the disk", await MeasureAsync(run, "disk", disk, Between.PushDown, count, cancellationToken), hot, "files may be in the page cache");
            var none = new ModelRunnerOptions { KvBlocks = 256 };
            Tell("nowhere: computed again", await MeasureAsync(run, "none", none, Between.PushDown, count, cancellationToken), hot, "features known");
            return warmed.First <= 1.2 * hot.First ? 0 : 1;
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    private static async Task<Measured> MeasureAsync(
        TableRun run, string way, ModelRunnerOptions options, Between between, int count, CancellationToken cancellationToken)
    {
        var tiers = new KvTierOptions { HostAfter = TimeSpan.Zero, DiskAfter = TimeSpan.Zero };
        await using var engine = new TimedEngine(run, run.BenchCheckpoint(), options, tiers);
        await engine.StartAsync(cancellationToken);
        var turns = new List<(double First, double Warm, int Cached)>();
        for (var number = 0; number <= count; number++)
        {
            run.Say($"  {way}: conversation {number} of {count}");
            var image = engine.AddPicture(number, Side, Side, Text);
            int[] prompt = [.. Ids(Text, 1), .. Enumerable.Repeat(engine.Config.ImageTokenId, image.Length), .. Ids(Text, 2 + number)];
            var first = await engine.AskAsync(prompt, [image], Answer, cancellationToken);
            int[] conversation = [.. prompt, .. first.Answer];
            if (between != Between.Nothing)
            {
                await PushDownAsync(engine, options, number, cancellationToken);
            }

            var warm = between == Between.PushDownAndWarm
                ? (await engine.AskAsync(conversation, [image], 1, cancellationToken)).First.TotalMilliseconds
                : 0;
            var next = await engine.AskAsync([.. conversation, .. Ids(Text, 3)], [image], Answer, cancellationToken);
            if (number > 0) // the first one warms up
            {
                turns.Add((next.First.TotalMilliseconds, warm, next.Cached));
            }
        }

        var median = turns.OrderBy(turn => turn.First).ElementAt(turns.Count / 2);
        return new Measured(median.First, median.Warm, median.Cached, engine.Tiers);
    }

    /// <summary>When all that is idle has been copied, another conversation takes every block.</summary>
    private static async Task PushDownAsync(TimedEngine engine, ModelRunnerOptions options, int number, CancellationToken cancellationToken)
    {
        await engine.UntilIdleAsync(cancellationToken);
        await engine.TakeBlocksAsync([.. Ids((options.KvBlocks * ModelRunner.BlockTokens) - 2, 100 + number)], cancellationToken);
        await engine.UntilIdleAsync(cancellationToken);
    }

    private static void Tell(string what, Measured measured, Measured hot, string note)
    {
        var rates = measured.Tiers is { } tiers
            ? FormattableString.Invariant($", host {tiers.HostRate / 1e9:f1} GB/s, disk {tiers.DiskRate / 1e9:f1} GB/s, prompts {tiers.PrefillRate:f0} tokens/s, {tiers.Lost} blocks lost")
            : "";
        var warm = measured.Warm > 0 ? FormattableString.Invariant($", the warm-up itself {measured.Warm:f0} ms") : "";
        Console.WriteLine(FormattableString.Invariant(
            $"{what,-26} {measured.First,8:f1} ms   {measured.First / hot.First,6:f2} × hot   {measured.Cached:N0} tokens cached{warm}{rates}   {note}"));
    }

    private static IEnumerable<int> Ids(int count, int seed) => Enumerable.Range(0, count).Select(i => 3 + (((i * 37) + (seed * 101)) % 1000));

    private enum Between
    {
        Nothing,
        PushDown,
        PushDownAndWarm,
    }

    private sealed record Measured(double First, double Warm, int Cached, TierCounts? Tiers);
}
