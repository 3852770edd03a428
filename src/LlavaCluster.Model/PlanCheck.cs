using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Model;

/// <summary>
/// A plan is checked before anything is computed: an index past a tensor would end in a torch message without names, on a GPU in the
/// loss of the process.
/// </summary>
internal static class PlanCheck
{
    /// <summary>Throws when a slice does not fit the runner; a good plan costs no memory.</summary>
    public static void Check(StepPlan plan, RunnerCapacity capacity)
    {
        for (var i = 0; i < plan.BlockCopies.Count; i++)
        {
            var (from, to) = plan.BlockCopies[i];
            if ((uint)from >= (uint)capacity.BlockCount || (uint)to >= (uint)capacity.BlockCount)
            {
                throw new InvalidOperationException(
                    $"Step {plan.Step}: block {from} is to be copied to {to}; there are {capacity.BlockCount}.");
            }
        }

        for (var i = 0; i < plan.Slices.Count; i++)
        {
            var slice = plan.Slices[i];
            if ((PlaceMistake(slice, capacity) ?? IdMistake(slice, capacity)) is { } mistake)
            {
                throw new InvalidOperationException($"Step {plan.Step}, sequence {slice.Sequence}: {mistake}.");
            }
        }
    }

    private static string? PlaceMistake(SequenceSlice slice, RunnerCapacity capacity)
    {
        var end = (long)slice.Start + slice.TokenIds.Length;
        if (slice.Start < 0 || slice.TokenIds.IsEmpty || end > capacity.MaxPositions)
        {
            return $"positions {slice.Start} to {end - 1} are asked for; the model takes 0 to {capacity.MaxPositions - 1}";
        }

        if ((long)slice.Blocks.Count * capacity.BlockTokens < end)
        {
            return $"{slice.Blocks.Count} blocks of {capacity.BlockTokens} do not cover {end} positions";
        }

        for (var i = 0; i < slice.Blocks.Count; i++)
        {
            if ((uint)slice.Blocks[i] >= (uint)capacity.BlockCount)
            {
                return $"block {slice.Blocks[i]} is named; there are {capacity.BlockCount}";
            }
        }

        return null;
    }

    private static string? IdMistake(SequenceSlice slice, RunnerCapacity capacity)
    {
        var ids = slice.TokenIds.Span;
        var image = slice.Images.Count == 0 ? null : new bool[ids.Length];
        for (var i = 0; i < slice.Images.Count; i++)
        {
            var part = slice.Images[i];
            if (part.At < 0 || part.Count < 0 || part.At + part.Count > ids.Length)
            {
                return $"image tokens stand at {part.At} to {part.At + part.Count - 1} of {ids.Length} ids";
            }

            image.AsSpan(part.At, part.Count).Fill(true);
        }

        for (var i = 0; i < ids.Length; i++)
        {
            if ((uint)ids[i] >= (uint)capacity.VocabularySize && image?[i] != true)
            {
                return $"id {ids[i]} stands at position {slice.Start + i} without an image; the vocabulary has {capacity.VocabularySize}";
            }
        }

        return null;
    }
}
