using System.CommandLine;
using System.Diagnostics;

namespace LlavaCluster.Benchmarks.Cluster;

/// <summary>
/// What the cluster costs beside the engine alone: the same turns, without pictures, asked of a whole silo process over gRPC and of an
/// engine in this process; then how much memory idle sessions take, and how soon they wake after a restart. The tiny golden checkpoint
/// answers, so that the engine is quick and the rest is seen.
/// </summary>
internal static class ClusterBenchmark
{
    private const double TurnGoalMilliseconds = 1;
    private const double TokenGoalMicroseconds = 50;
    private const double MemoryGoalMib = 1024;
    private const double WakeGoalSeconds = 10;

    /// <summary>Measurements of each kind; the middle one counts.</summary>
    private const int Rounds = 5;

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
            await using (var direct = await DirectEngine.StartAsync(cancellationToken))
            await using (var silo = await SiloUnderTest.StartAsync(data.FullName, cancellationToken))
            {
                foreach (var streams in arguments.GetRequiredValue(Streams))
                {
                    await CompareAsync(direct, silo, streams, arguments, cancellationToken);
                }
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
        DirectEngine direct, SiloUnderTest silo, int streams, ParseResult arguments, CancellationToken cancellationToken)
    {
        int turns = Math.Max(arguments.GetRequiredValue(Turns), streams), tokens = arguments.GetRequiredValue(Tokens);
        List<double> turnAlone = [], turnServed = [], tokenAlone = [], tokenServed = [];
        var measures = new[] { (Of: (ITurns)direct, Turn: turnAlone, Token: tokenAlone), (silo, turnServed, tokenServed) };
        foreach (var (of, _, _) in measures)
        {
            await Load.RunAsync(of, streams, turns, tokens: 1, cancellationToken); // first calls compile
        }

        for (var round = 0; round < Rounds; round++)
        {
            Console.Error.WriteLine($"{streams} at once, round {round + 1} of {Rounds}");
            foreach (var (of, turn, token) in measures)
            {
                turn.Add((await Load.RunAsync(of, streams, turns, tokens: 1, cancellationToken)).MedianMilliseconds);
                token.Add((await Load.RunAsync(of, streams, Math.Max(streams, turns / 4), tokens, cancellationToken)).ProcessorMicrosecondsPerToken);
            }
        }

        Tell($"turn of one token, {streams} at once, p50", Median(turnAlone), Median(turnServed), "ms", TurnGoalMilliseconds);
        Tell($"processor time of a token, {streams} at once", Median(tokenAlone), Median(tokenServed), "µs", TokenGoalMicroseconds);
    }

    private static async Task KeepAsync(string data, int idle, int wake, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> sessions;
        await using (var silo = await SiloUnderTest.StartAsync(data, cancellationToken))
        {
            var before = silo.ResidentMib;
            sessions = await silo.OpenSessionsAsync(idle, cancellationToken);
            Verdict($"memory of a silo with {idle:N0} idle sessions (without: {before:f0} MiB)", silo.ResidentMib, "MiB", MemoryGoalMib);
        }

        await using (var silo = await SiloUnderTest.StartAsync(data, cancellationToken))
        {
            var watch = Stopwatch.StartNew();
            await silo.WakeAsync([.. sessions.Take(wake)], cancellationToken);
            Verdict($"waking {wake:N0} sessions after a restart", watch.Elapsed.TotalSeconds, "s", WakeGoalSeconds);
        }
    }

    private static void Tell(string what, double alone, double served, string unit, double goal) =>
        Verdict($"{what}: {alone:f2} {unit} alone, {served:f2} {unit} served, added", served - alone, unit, goal);

    private static void Verdict(string what, double measured, string unit, double goal) =>
        Console.WriteLine($"{what} {measured:f2} {unit}   goal ≤ {goal:f0} {unit}   {(measured <= goal ? "met" : "missed")}");

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
