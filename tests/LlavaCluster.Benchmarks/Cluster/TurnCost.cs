namespace LlavaCluster.Benchmarks.Cluster;

/// <summary>
/// What a turn costs beside the engine alone, asked for by the same clients on the same machine, one kind after the other in each round;
/// the middle round counts. Every turn is one of a new session, the dearest kind: its grain comes up and its log is begun.
/// </summary>
internal sealed class TurnCost(ITurns direct, ITurns silo, CancellationToken cancellationToken)
{
    private const double TurnGoalMilliseconds = 1;
    private const double TokenGoalMicroseconds = 50;

    /// <summary>Measurements of each kind.</summary>
    private const int Rounds = 5;

    /// <summary>One turn after the other. What is added is the difference of the middle turns, as the client sees them.</summary>
    public async Task OneAtATimeAsync(int turns, int tokens)
    {
        var shorts = await CompareAsync(1, turns, 1);
        Tell("turn of one token, 1 at once, p50", shorts, load => load.Median(turn => turn.Whole), "ms", TurnGoalMilliseconds);
        var longs = await CompareAsync(1, Math.Max(1, turns / 4), tokens);
        Tell($"first token of {tokens}, 1 at once, p50", longs, load => load.Median(turn => turn.First), "ms", TurnGoalMilliseconds);
        Tell($"turn of {tokens} tokens, 1 at once, p50", longs, load => load.Median(turn => turn.Whole), "ms", TurnGoalMilliseconds);
        Tell("processor time of a token, 1 at once", longs, ProcessorPerToken, "µs", TokenGoalMicroseconds);
    }

    /// <summary>
    /// All that the machine can do: the streams ask as fast as they are answered, so the time of a turn is their number by the rate, and
    /// says nothing about a turn. Only the rate is told.
    /// </summary>
    public async Task AsManyAsPossibleAsync(int streams, int turns, int tokens)
    {
        var shorts = await CompareAsync(streams, turns, 1);
        Console.WriteLine(
            $"most turns of one token, {streams} streams: {Middle(shorts.Alone, load => load.TurnsPerSecond):f0}/s alone, "
            + $"{Middle(shorts.Served, load => load.TurnsPerSecond):f0}/s served   no goal");
        var longs = await CompareAsync(streams, turns / 4, tokens);
        Tell($"processor time of a token, {streams} at once", longs, ProcessorPerToken, "µs", TokenGoalMicroseconds);
    }

    /// <summary>
    /// Streams at work, over an engine that is slow enough for the rest to keep up: the number of busy cores says whether it did. Here a turn
    /// waits for steps of many milliseconds, which are never equally long twice; so what counts is the time of each turn outside the engine,
    /// by the engine's own clock, the same with and without the cluster. That the engine itself is slower beside the cluster's work is not in
    /// it: the whole turn is told too.
    /// </summary>
    public async Task AtWorkAsync(int streams, int turns, int tokens)
    {
        var loads = await CompareAsync(streams, turns, tokens);
        Tell(
            $"first token of {tokens}, {streams} at work, outside the engine, p50",
            loads,
            load => load.Median(turn => turn.First - turn.EngineFirst),
            "ms",
            TurnGoalMilliseconds);
        Tell(
            $"turn of {tokens} tokens, {streams} at work, outside the engine, p50",
            loads,
            load => load.Median(turn => turn.Whole - turn.EngineWhole),
            "ms",
            TurnGoalMilliseconds);
        Tell($"processor time of a token, {streams} at work", loads, ProcessorPerToken, "µs", TokenGoalMicroseconds);
        var (alone, served) = (Middle(loads.Alone, load => load.Median(turn => turn.Whole)), Middle(loads.Served, load => load.Median(turn => turn.Whole)));
        Console.WriteLine(
            $"the same turns as a whole, p50: {alone:f1} ms alone, {served:f1} ms served ({(served / alone) - 1:+0.0%;-0.0%}); "
            + $"busy cores of {Environment.ProcessorCount}: {Middle(loads.Alone, load => load.Cores):f2} and {Middle(loads.Served, load => load.Cores):f2}");
    }

    private static double ProcessorPerToken(Load load) => load.Processor.TotalMicroseconds / load.Tokens;

    private static double Middle(IReadOnlyList<Load> loads, Func<Load, double> number) => loads.Select(number).Order().ElementAt(loads.Count / 2);

    private static void Tell(
        string what, (IReadOnlyList<Load> Alone, IReadOnlyList<Load> Served) loads, Func<Load, double> number, string unit, double goal)
    {
        var (alone, served) = (Middle(loads.Alone, number), Middle(loads.Served, number));
        ClusterBenchmark.Verdict($"{what}: {alone:f2} {unit} alone, {served:f2} {unit} served, added", served - alone, unit, goal);
    }

    private async Task<(IReadOnlyList<Load> Alone, IReadOnlyList<Load> Served)> CompareAsync(int streams, int turns, int tokens)
    {
        List<Load> alone = [], served = [];
        foreach (var of in new[] { direct, silo })
        {
            await Load.RunAsync(of, streams, Math.Max(streams, Math.Min(turns, 320)), tokens: 1, cancellationToken); // first calls compile
        }

        for (var round = 0; round < Rounds; round++)
        {
            Console.Error.WriteLine($"{streams} at once, {tokens} tokens, round {round + 1} of {Rounds}");
            alone.Add(await Load.RunAsync(direct, streams, Math.Max(streams, turns), tokens, cancellationToken));
            served.Add(await Load.RunAsync(silo, streams, Math.Max(streams, turns), tokens, cancellationToken));
        }

        return (alone, served);
    }
}
