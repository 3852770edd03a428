using System.Diagnostics;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Engine;
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
    private readonly IShardLink? _followers;
    private readonly int _blocks;
    private long _step;

    /// <summary>Loads it.</summary>
    /// <param name="run">Device and kernels.</param>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="sequences">How many at most.</param>
    /// <param name="positions">How long each may become.</param>
    /// <param name="end">This rank's end; null: the model is whole. Disposed with the model.</param>
    /// <param name="followers">Where the plans go besides; null: nowhere.</param>
    public TimedModel(TableRun run, string folder, int sequences, int positions, ICollective? end = null, IShardLink? followers = null)
    {
        var device = run.Device;
        Config = LlavaConfigReader.Read(folder);
        _followers = followers;
        _blocks = BlocksOf(positions);
        _runner = Runner(run, folder, sequences * _blocks, end ?? new SingleRank());
        KvBytes = sequences * _blocks * ModelRunner.KvBlockBytes(Config, device.Type);
    }

    /// <summary>Blocks that a sequence of so many positions needs.</summary>
    public static int BlocksOf(int positions) => (positions + ModelRunner.BlockTokens - 1) / ModelRunner.BlockTokens;

    /// <summary>One rank of the model, to be used and disposed by the thread that calls.</summary>
    public static ModelRunner Runner(TableRun run, string folder, int blocks, ICollective end)
    {
        var device = run.Device;
        var config = LlavaConfigReader.Read(folder);
        using var weights = new CheckpointWeights(folder, config, device.Device, device.Type);
        weights.Check(WeightRoles.Language | WeightRoles.Projector);
        return new ModelRunner(config, weights, device, end, new ModelRunnerOptions { KvBlocks = blocks, Kernels = run.Kernels });
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
            Run([Slice(sequence, done, count, done + count == tokens)]);
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Seconds of a step in which sequences decode one token each behind a context, the best of a few.</summary>
    public double Decode(int sequences, int context, int steps)
    {
        SequenceSlice[] slices = [.. Enumerable.Range(0, sequences).Select(i => Slice(i, context, 1, sample: true))];
        var best = double.MaxValue;
        for (var step = 0; step < steps; step++)
        {
            var start = Stopwatch.GetTimestamp();
            Run(slices);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    /// <inheritdoc/>
    public void Dispose() => _runner.Dispose();

    private void Run(IReadOnlyList<SequenceSlice> slices)
    {
        var plan = new StepPlan(0, _step++, slices);
        _followers?.Send(new ShardMessage.Run(plan));
        _runner.Run(plan);
    }

    private SequenceSlice Slice(int sequence, int start, int count, bool sample) => new(
        sequence,
        start,
        Enumerable.Range(start, count).Select(position => 3 + (((position * 37) + (sequence * 101)) % 1000)).ToArray(),
        [],
        [.. Enumerable.Range(sequence * _blocks, _blocks)],
        sample ? new SampleRequest(SamplingOptions.Greedy, 0, 0, 0, default, default) : null);
}
