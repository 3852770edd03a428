using System.CommandLine;
using LlavaCluster.Model;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>
/// The engine's numbers in one table: each measured beside a baseline of the same run, with its goal. Exit code 1 when a goal is missed.
/// </summary>
internal static class TableBenchmark
{
    private static readonly TableRow[] Rows =
    [
        new DecodeRow("decode-128", 128, 0.90),
        new DecodeRow("decode-2928", 2928, 0.80),
        new BatchRow(),
        new PromptRow("prefill-512", 512),
        new PromptRow("prefill-2928", 2928),
        new TowerRow(),
        TensorParallelRow.OfDecode,
        TensorParallelRow.OfPrompt,
        new ConversationRow("turn-2", "turn 2 on a 2,928-token image, time to first token", 0.03, newSession: false),
        new ConversationRow("new-session", "same picture in a new session, time to first token", 0.10, newSession: true),
        new BesideRow(),
        new MemoryRow(),
        new LoadRow("load-cold", cold: true),
        new LoadRow("load-warm", cold: false),
        new LargeModelRow("7b-decode", memory: false),
        new LargeModelRow("7b-memory", memory: true),
    ];

    private static readonly Option<bool> Json = new("--json") { Description = "print JSON" };
    private static readonly Option<bool> Quick = new("--quick") { Description = "small shapes and few rounds, without the rows that need 14 GB" };
    private static readonly Option<int> Threads = new("--threads") { DefaultValueFactory = _ => Environment.ProcessorCount };
    private static readonly Option<bool> Child = new("--child") { Hidden = true };
    private static readonly Option<KernelChoice?> Kernels = new("--kernels") { Description = "who computes the language model" };
    private static readonly Option<string> Device = new("--device")
    {
        DefaultValueFactory = _ => "cpu",
        Description = "cpu, or cuda: the rows are then those of a model of 7 billion parameters",
    };

    private static readonly Option<string[]> Only = new("--only")
    {
        DefaultValueFactory = _ => [],
        AllowMultipleArgumentsPerToken = true,
        Description = $"rows: {string.Join(", ", Rows.Select(row => row.Name))}",
    };

    private static readonly Option<string> Data = new("--data")
    {
        DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "llava-bench"),
        Description = "where synthetic checkpoints are kept; those that are missing are made",
    };

    /// <summary>The <c>table</c> command.</summary>
    public static Command Command()
    {
        Only.AcceptOnlyFromAmong([.. Rows.Select(row => row.Name)]);
        var command = new Command("table", "All numbers of the engine beside baselines of the same run, with goals.")
        {
            Json, Quick, Only, Data, Threads, Device, Kernels, Child,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        bool quick = arguments.GetValue(Quick), child = arguments.GetValue(Child);
        var threads = arguments.GetRequiredValue(Threads);
        TensorDevice.UseThreads(threads);
        var run = new TableRun(
            arguments.GetRequiredValue(Data), quick, threads, child, Console.Error.WriteLine,
            arguments.GetRequiredValue(Device), arguments.GetValue(Kernels));
        var names = arguments.GetRequiredValue(Only);
        var rows = Rows.Where(row => names.Length > 0 ? names.Contains(row.Name) : !(quick && row.Heavy) && !(row.CpuOnly && !run.Device.IsCpu)).ToArray();
        if (child)
        {
            ChildProcess.Answer(await rows.Single().MeasureAsync(run, cancellationToken));
            return 0;
        }

        var lines = new List<TableLine>();
        foreach (var row in rows)
        {
            run.Say($"[{lines.Count + 1}/{rows.Length}] {row.Name}: {row.What}");
            lines.Add(TableLine.Of(row, run, await row.MeasureAsync(run, cancellationToken)));
            run.Say($"  {lines[^1].Measured:N2} beside {lines[^1].Baseline:N2} {lines[^1].Unit}: {lines[^1].Ratio:F3} ({lines[^1].Goal}) {lines[^1].Note}");
            GC.Collect(); // the next row shall not find the last one's memory
        }

        var machine = $"{Machine.Of(run)}, load {Machine.Load()}{(quick ? "; QUICK: small shapes, few rounds" : "")}";
        Console.WriteLine(arguments.GetValue(Json) ? TableText.Json(machine, quick, lines) : TableText.Plain(machine, lines));
        return lines.All(line => line.Met) ? 0 : 1;
    }
}
