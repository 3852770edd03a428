using System.Diagnostics;

namespace LlavaCluster.Benchmarks.Cluster;

/// <summary>A number of turns, some at once.</summary>
/// <param name="MedianMilliseconds">Of a turn, from the call to its end.</param>
/// <param name="ProcessorMicrosecondsPerToken">Processor time of the answering process for a token.</param>
internal sealed record Load(double MedianMilliseconds, double ProcessorMicrosecondsPerToken)
{
    /// <summary>Asks them.</summary>
    public static async Task<Load> RunAsync(ITurns of, int streams, int turns, int tokens, CancellationToken cancellationToken)
    {
        var times = new double[turns];
        var next = -1;
        var before = of.ProcessorTime;
        await Task.WhenAll(Enumerable.Range(0, streams).Select(_ => StreamAsync()));
        var spent = of.ProcessorTime - before;
        return new Load(times.Order().ElementAt(turns / 2), spent.TotalMicroseconds / ((double)turns * tokens));

        async Task StreamAsync()
        {
            for (int turn; (turn = Interlocked.Increment(ref next)) < turns;)
            {
                var began = Stopwatch.GetTimestamp();
                await of.TurnAsync(tokens, cancellationToken);
                times[turn] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            }
        }
    }
}
