using System.Diagnostics;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Weights;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>
/// A language model in bfloat16 without engine and edge, whose steps are timed. Each of its sequences has blocks of its own; a step
/// may be done again, since it writes the keys and values that it wrote before.
/// </summary>
internal sealed class TimedModel : IDisposable
{
    /// <summary>Prompt tokens of a step: what the engine takes by default.</summary>
    private const int Chunk = 512;

    private readonly ModelRunner _runner;
    private readonly int _blocks;

    /// <summary>Loads it.</summary>
    /// <param name="run">Device and kernels.</param>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="sequences">How many at most.</param>
    /// <param name="positions">How long each may become.</param>
    public TimedModel(TableRun run, string folder, int sequences, int positions)
    {
        var device = run.Device;
        Config = LlavaConfigReader.Read(folder);
        _blocks = (positions + ModelRunner.BlockTokens - 1) / ModelRunner.BlockTokens;
        using var weights = new CheckpointWeights(folder, Config, device.Device, device.Type);
        weights.Check(WeightRoles.Language | WeightRoles.Projector);
        var options = new ModelRunnerOptions { KvBlocks = sequences * _blocks, Kernels = run.Kernels };
        _runner = new ModelRunner(Config, weights, device, new SingleRank(), options);
        KvBytes = sequences * _blocks * ModelRunner.KvBlockBytes(Config, device.Type);
    }

    public LlavaConfig Config { get; }

    /// <summary>Bytes of its KV blocks.</summary>
    public long KvBytes { get; }

    /// <summary>Seconds that a sequence's prompt takes, in chunks; its last row is sampled.</summary>
    public double Prompt(int sequence, int tokens)
    {
        var start = Stopwatch.GetTimestamp();
        for (var done = 0; done < tokens; done += Chunk)
        {
            var count = Math.Min(Chunk, tokens - done);
            _runner.Run(new StepPlan(0, 0, [Slice(sequence, done, count, done + count == tokens)]));
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Seconds of a step in which sequences decode one token each behind a context, the best of a few.</summary>
    public double Decode(int sequences, int context, int steps)
    {
        var plan = new StepPlan(0, 0, [.. Enumerable.Range(0, sequences).Select(i => Slice(i, context, 1, sample: true))]);
        var best = double.MaxValue;
        for (var step = 0; step < steps; step++)
        {
            var start = Stopwatch.GetTimestamp();
            _runner.Run(plan);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    /// <inheritdoc/>
    public void Dispose() => _runner.Dispose();

    private SequenceSlice Slice(int sequence, int start, int count, bool sample) => new(
        sequence,
        start,
        Enumerable.Range(start, count).Select(position => 3 + (((position * 37) + (sequence * 101)) % 1000)).ToArray(),
        [],
        [.. Enumerable.Range(sequence * _blocks, _blocks)],
        sample ? new SampleRequest(SamplingOptions.Greedy, 0, 0, 0, default, default) : null);
}
