using System.CommandLine;
using System.Diagnostics;

namespace LlavaCluster.Benchmarks.Cluster;

/// <summary>
/// What the cluster costs beside the engine alone: the same turns, without pictures, asked of a whole silo process over gRPC and of an
/// engine in this process (<see cref="TurnCost"/>); then how much memory idle sessions take, and how soon they wake after a restart.
/// </summary>
internal static class ClusterBenchmark
{
    private const double MemoryGoalMib = 1024;
    private const double WakeGoalSeconds = 10;

    private static readonly Option<int[]> Streams = new("--streams")
    {
        DefaultValueFactory = _ => [1, 64],
        AllowMultipleArgumentsPerToken = true,
        Description = "turns at once",
    };

    private static readonly Option<int> Turns = new("--turns") { DefaultValueFactory = _ => 320, Description = "turns of a round" };
    private static readonly Option<int> Tokens = new("--tokens") { DefaultValueFactory = _ => 128, Description = "tokens of a long answer" };
    private static readonly Option<int> Idle = new("--idle") { DefaultValueFactory = _ => 10_000, Description = "idle sessions; 0: leave that out" };
    private static readonly Option<int> Wake = new("--wake") { DefaultValueFactory = _ => 1_000, Description = "of them woken after a restart" };

    public static Command Command()
    {
        var command = new Command("cluster", "Cost of the cluster beside the engine alone; idle sessions; waking after a restart.")
        {
            Streams, Turns, Tokens, Idle, Wake,
        };
        command.SetAction((arguments, cancellation) => RunAsync(arguments, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var data = Directory.CreateTempSubdirectory("llava-cluster");
        try
        {
            var (turns, tokens) = (arguments.GetRequiredValue(Turns), arguments.GetRequiredValue(Tokens));
            await CompareAsync(ServedCheckpoint.Golden, Path.Combine(data.FullName, "golden"), arguments, cancellationToken, (cost, streams) =>
                streams == 1 ? cost.OneAtATimeAsync(turns, tokens) : cost.AsManyAsPossibleAsync(streams, turns, tokens));
            if (arguments.GetRequiredValue(Streams).Any(streams => streams > 1))
            {
                var steady = ServedCheckpoint.Steady(Path.Combine(data.FullName, "model"), cancellationToken);
                await CompareAsync(steady, Path.Combine(data.FullName, "steady"), arguments, cancellationToken, (cost, streams) =>
                    streams == 1 ? Task.CompletedTask : cost.AtWorkAsync(streams, 2 * streams, tokens));
            }

            if (arguments.GetRequiredValue(Idle) is > 0 and var idle)
            {
                await KeepAsync(Path.Combine(data.FullName, "idle"), idle, Math.Min(idle, arguments.GetRequiredValue(Wake)), cancellationToken);
            }

            return 0;
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    private static async Task CompareAsync(
        ServedCheckpoint checkpoint, string data, ParseResult arguments, CancellationToken cancellationToken, Func<TurnCost, int, Task> compare)
    {
        await using var direct = await DirectEngine.StartAsync(checkpoint, cancellationToken);
        await using var silo = await SiloUnderTest.StartAsync(checkpoint, data, cancellationToken);
        foreach (var streams in arguments.GetRequiredValue(Streams))
        {
            await compare(new TurnCost(direct, silo, cancellationToken), streams);
        }
    }

    private static async Task KeepAsync(string data, int idle, int wake, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> sessions;
        await using (var silo = await SiloUnderTest.StartAsync(ServedCheckpoint.Golden, data, cancellationToken))
        {
            var before = silo.ResidentMib;
            sessions = await silo.OpenSessionsAsync(idle, cancellationToken);
            Verdict($"memory of a silo with {idle:N0} idle sessions (without: {before:f0} MiB)", silo.ResidentMib, "MiB", MemoryGoalMib);
        }

        await using (var silo = await SiloUnderTest.StartAsync(ServedCheckpoint.Golden, data, cancellationToken))
        {
            var watch = Stopwatch.StartNew();
            await silo.WakeAsync([.. sessions.Take(wake)], cancellationToken);
            Verdict($"waking {wake:N0} sessions after a restart", watch.Elapsed.TotalSeconds, "s", WakeGoalSeconds);
        }
    }

    /// <summary>Tells a number beside its goal.</summary>
    public static void Verdict(string what, double measured, string unit, double goal) =>
        Console.WriteLine($"{what} {measured:f2} {unit}   goal ≤ {goal:f0} {unit}   {(measured <= goal ? "met" : "missed")}");
}
