using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Model;

/// <summary>
/// A plan is checked before anything is computed: an index past a tensor would end in a torch message without names, on a GPU in the
/// loss of the process.
/// </summary>
internal static class PlanCheck
{
    /// <summary>Throws when a slice does not fit the runner.</summary>
    public static void Check(StepPlan plan, RunnerCapacity capacity)
    {
        foreach (var (from, to) in plan.BlockCopies)
        {
            if ((uint)from >= (uint)capacity.BlockCount || (uint)to >= (uint)capacity.BlockCount)
            {
                throw new InvalidOperationException(
                    $"Step {plan.Step}: block {from} is to be copied to {to}; there are {capacity.BlockCount}.");
            }
        }

        foreach (var slice in plan.Slices)
        {
            CheckSlice(plan, slice, capacity);
        }
    }

    private static void CheckSlice(StepPlan plan, SequenceSlice slice, RunnerCapacity capacity)
    {
        var end = (long)slice.Start + slice.TokenIds.Length;
        if (slice.Start < 0 || slice.TokenIds.IsEmpty || end > capacity.MaxPositions)
        {
            throw Bad($"positions {slice.Start} to {end - 1} are asked for; the model takes 0 to {capacity.MaxPositions - 1}");
        }

        if ((long)slice.Blocks.Count * capacity.BlockTokens < end)
        {
            throw Bad($"{slice.Blocks.Count} blocks of {capacity.BlockTokens} do not cover {end} positions");
        }

        foreach (var block in slice.Blocks)
        {
            if (block < 0 || block >= capacity.BlockCount)
            {
                throw Bad($"block {block} is named; there are {capacity.BlockCount}");
            }
        }

        CheckIds(slice, capacity, Bad);

        InvalidOperationException Bad(string what) => new($"Step {plan.Step}, sequence {slice.Sequence}: {what}.");
    }

    private static void CheckIds(SequenceSlice slice, RunnerCapacity capacity, Func<string, Exception> bad)
    {
        var image = new bool[slice.TokenIds.Length];
        foreach (var part in slice.Images)
        {
            if (part.At < 0 || part.Count < 0 || part.At + part.Count > image.Length)
            {
                throw bad($"image tokens stand at {part.At} to {part.At + part.Count - 1} of {image.Length} ids");
            }

            image.AsSpan(part.At, part.Count).Fill(true);
        }

        var ids = slice.TokenIds.Span;
        for (var i = 0; i < ids.Length; i++)
        {
            if (!image[i] && (uint)ids[i] >= (uint)capacity.VocabularySize)
            {
                throw bad($"id {ids[i]} stands at position {slice.Start + i} without an image; the vocabulary has {capacity.VocabularySize}");
            }
        }
    }
}
