using System.CommandLine;
using System.Diagnostics;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Benchmarks.Scheduling;

/// <summary>
/// What a decode step costs beside the model: the real decode loop over a runner that only waits, and readers that take every token.
/// Measured is the time between two calls of the runner, and what the engine's thread allocates in it. The baseline is the time of a
/// step of a real model, which the benchmark <c>runner</c> measures.
/// </summary>
internal static class SchedulerBenchmark
{
    private static readonly Option<int> Sequences = new("--sequences") { DefaultValueFactory = _ => 64, Description = "that answer at once" };
    private static readonly Option<int> Prompt = new("--prompt") { DefaultValueFactory = _ => 1024, Description = "tokens of each prompt" };
    private static readonly Option<int> Steps = new("--steps") { DefaultValueFactory = _ => 2000, Description = "steps measured" };
    private static readonly Option<int> Busy = new("--busy-us") { DefaultValueFactory = _ => 1000, Description = "microseconds that the runner takes" };
    private static readonly Option<double> Baseline = new("--step-ms") { Description = "step time of a model, to compare with" };

    public static Command Command()
    {
        var command = new Command("scheduler", "Bookkeeping of a decode step: scheduler, engine, events.") { Sequences, Prompt, Steps, Busy, Baseline };
        command.SetAction((arguments, cancellationToken) => RunAsync(arguments, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        int count = arguments.GetRequiredValue(Sequences), prompt = arguments.GetRequiredValue(Prompt), steps = arguments.GetRequiredValue(Steps);
        const int warmUp = 300;
        var answer = warmUp + steps + 100;
        using var runner = new WaitingRunner(count, prompt + answer, TimeSpan.FromMicroseconds(arguments.GetRequiredValue(Busy)));
        await using (var loop = new DecodeLoop(
            () => runner,
            new SingleRankLink(),
            new NoFeatures(),
            _ => new NeverStops(),
            TimeProvider.System,
            new DecodeLoopOptions { MaxRunning = count, MaxWaiting = count, StepTokens = Math.Max(512, count) }))
        {
            await loop.StartAsync(cancellationToken);
            await Task.WhenAll(Enumerable.Range(0, count).Select(i => ReadAsync(loop, i, prompt, answer, cancellationToken)));
        }

        var measured = runner.Between.Skip(runner.Between.Count - steps - 50).Take(steps).ToArray();
        var times = measured.Select(m => m.Ticks * 1e6 / Stopwatch.Frequency).Order().ToArray();
        var median = times[steps / 2];
        Console.WriteLine($"{count} sequences, prompt {prompt}, {steps} decode steps, {Environment.ProcessorCount} processors");
        Console.WriteLine($"bookkeeping per step   median {median:f1} µs, mean {times.Average():f1} µs, p99 {times[steps * 99 / 100]:f1} µs");
        Console.WriteLine($"allocated per step     median {measured.Select(m => m.Bytes).Order().ElementAt(steps / 2)} bytes, "
            + $"mean {measured.Average(m => m.Bytes):f1} bytes, by the engine's thread");
        if (arguments.GetValue(Baseline) is var baseline and > 0)
        {
            Console.WriteLine($"of a step of {baseline:f1} ms    {median / baseline / 10:f3} % (goal: at most 0.3 %)");
            return median / baseline / 10 <= 0.3 ? 0 : 1;
        }

        return 0;
    }

    private static async Task ReadAsync(DecodeLoop loop, int number, int prompt, int answer, CancellationToken cancellationToken)
    {
        var request = new SequenceRequest
        {
            Name = $"{number}",
            TokenIds = [.. Enumerable.Range(0, prompt).Select(i => 3 + (((i * 37) + (number * 101)) % 1000))],
            Images = [],
            Sampling = SamplingOptions.Greedy,
            Seed = 0,
            Turn = 0,
            MaxTokens = answer,
        };
        await foreach (var _ in loop.GenerateAsync(request, cancellationToken))
        {
        }
    }

    private sealed class NoFeatures : IFeatureSource
    {
        public Task<ImageFeatures> GetAsync(ImageSpan span, string? encoder, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("No prompt of this benchmark has an image.");
    }

    private sealed class NeverStops : IStopRule
    {
        public StopVerdict Push(int id) => new("", StopOutcome.GoesOn);

        public string Flush() => "";
    }
}
