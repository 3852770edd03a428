using System.Diagnostics;

namespace LlavaCluster.Benchmarks.Cluster;

/// <summary>A number of turns, some at once: each stream asks for its next turn when the last one has ended.</summary>
/// <param name="Turns">What each took.</param>
/// <param name="Took">From the first call to the last end.</param>
/// <param name="Processor">Processor time of the answering process.</param>
/// <param name="Cores">Cores that the answering process and this one kept busy.</param>
internal sealed record Load(IReadOnlyList<TurnTimes> Turns, TimeSpan Took, TimeSpan Processor, double Cores)
{
    /// <summary>Tokens of all answers.</summary>
    public required int Tokens { get; init; }

    /// <summary>Turns of a second.</summary>
    public double TurnsPerSecond => Turns.Count / Took.TotalSeconds;

    /// <summary>Asks them.</summary>
    public static async Task<Load> RunAsync(ITurns of, int streams, int turns, int tokens, CancellationToken cancellationToken)
    {
        var times = new TurnTimes[turns];
        var next = -1;
        using var self = Process.GetCurrentProcess();
        var (began, own, theirs) = (Stopwatch.GetTimestamp(), self.TotalProcessorTime, of.ProcessorTime);
        await Task.WhenAll(Enumerable.Range(0, streams).Select(_ => StreamAsync()));
        var (took, spent) = (Stopwatch.GetElapsedTime(began), of.ProcessorTime - theirs);
        self.Refresh();
        var both = of is DirectEngine ? spent : spent + self.TotalProcessorTime - own;
        return new Load(times, took, spent, both / took) { Tokens = turns * tokens };

        async Task StreamAsync()
        {
            for (int turn; (turn = Interlocked.Increment(ref next)) < turns;)
            {
                times[turn] = await of.TurnAsync(tokens, cancellationToken);
            }
        }
    }

    /// <summary>The middle one of a time of the turns, milliseconds.</summary>
    public double Median(Func<TurnTimes, TimeSpan> time) =>
        Turns.Select(turn => time(turn).TotalMilliseconds).Order().ElementAt(Turns.Count / 2);
}
