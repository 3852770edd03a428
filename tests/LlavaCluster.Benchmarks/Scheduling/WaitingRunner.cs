using System.Diagnostics;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Benchmarks.Scheduling;

/// <summary>Takes the time of a step and computes nothing; notes what happens on the engine's thread between two steps.</summary>
internal sealed class WaitingRunner(int sequences, int longest, TimeSpan busy) : IModelRunner
{
    private static readonly SampledToken Token = new(7, -1, []);

    private readonly List<SampledToken> _tokens = new(sequences);
    private StepOutput? _output;
    private long _left;
    private long _allocated;

    /// <summary>Stopwatch ticks and bytes between the end of a step in which all decode and the beginning of the next.</summary>
    public List<(long Ticks, long Bytes)> Between { get; } = new(100_000);

    public RunnerCapacity Capacity { get; } = new(sequences * ((longest + 31) / 16), 16, longest + 16, 1000);

    public void LoadImage(ImageFeatures features)
    {
    }

    public void ForgetImage(ImageHash image)
    {
    }

    public StepOutput Run(StepPlan plan)
    {
        var entered = Stopwatch.GetTimestamp();
        if (plan.Slices.Count == sequences && _tokens.Count == sequences)
        {
            Between.Add((entered - _left, GC.GetAllocatedBytesForCurrentThread() - _allocated));
        }

        _tokens.Clear();
        for (var i = 0; i < plan.Slices.Count; i++)
        {
            if (plan.Slices[i].Sample is not null)
            {
                _tokens.Add(Token);
            }
        }

        _output ??= new StepOutput(_tokens);
        while (Stopwatch.GetElapsedTime(entered) < busy)
        {
            Thread.SpinWait(20);
        }

        _allocated = GC.GetAllocatedBytesForCurrentThread();
        _left = Stopwatch.GetTimestamp();
        return _output;
    }

    public void Dispose()
    {
    }
}
