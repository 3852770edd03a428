using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Tests.Scheduling;

/// <summary>A scheduler, sequences for it, and steps as a loop would do them, without a model.</summary>
internal sealed class SchedulerHost
{
    private long _number;

    public SchedulerHost(int stepTokens = 128, int blocks = 64, int maxRunning = 8, int chunkTokens = 1, int maxOvertakes = 16)
    {
        Pool = new BlockPool(blocks);
        Scheduler = new Scheduler(
            new SchedulerLimits(stepTokens, maxRunning, 16, 4096) { ChunkTokens = chunkTokens, MaxOvertakes = maxOvertakes },
            Pool,
            new PrefixCache(Pool));
    }

    public BlockPool Pool { get; }

    public Scheduler Scheduler { get; }

    public static SequenceRequest Request(int length, ImageSpan[]? images = null, int start = 100, string tenant = "", int maxTokens = 200) => new()
    {
        Name = "test",
        TokenIds = [.. Enumerable.Range(start, length)],
        Images = images ?? [],
        Sampling = SamplingOptions.Greedy,
        Seed = 0,
        Turn = 0,
        MaxTokens = maxTokens,
        Tenant = tenant,
    };

    /// <summary>A sequence that has not been queued.</summary>
    public Sequence Sequence(int length, ImageSpan[]? images = null, int start = 100, string tenant = "") =>
        new(++_number, Request(length, images, start, tenant), 200, 16);

    /// <summary>A sequence in the queue.</summary>
    public Sequence Enqueue(int length, ImageSpan[]? images = null, int start = 100, string tenant = "")
    {
        var sequence = Sequence(length, images, start, tenant);
        Scheduler.Enqueue(sequence);
        return sequence;
    }

    /// <summary>Takes up what fits, then one step: every sequence that asks gets the same token.</summary>
    public StepPlan Step(int sampled = 500)
    {
        Scheduler.TakeUp();
        var parts = Scheduler.Plan();
        var plan = Scheduler.Compose(0, 0, parts).Copy();
        foreach (var ((sequence, count), slice) in parts.Zip(plan.Slices))
        {
            Scheduler.Commit(sequence, count);
            if (slice.Sample is not null)
            {
                sequence.Append(sampled);
            }
        }

        return plan;
    }

    /// <summary>As <see cref="Step"/>, but tells which sequence computed how much.</summary>
    public (long Sequence, int Count)[] Parts() => [.. Step().Slices.Select(slice => (slice.Sequence, slice.TokenIds.Length))];
}
