namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// What every rank of a replica must compute in one step. Complete in itself: ranks keep no scheduler state. The leader's scheduler
/// fills one plan over and over, so that a step allocates nothing: a plan holds until the leader's next one, and who keeps it longer
/// keeps a <see cref="Copy"/>.
/// </summary>
/// <param name="Epoch">Formation of the replica's ranks that this plan belongs to.</param>
/// <param name="Step">Number of the step in its epoch, from 0, without gaps.</param>
/// <param name="Slices">The parts of sequences to compute.</param>
public sealed record StepPlan(long Epoch, long Step, IReadOnlyList<SequenceSlice> Slices)
{
    /// <summary>Blocks whose content is copied, one after the other, before anything is computed.</summary>
    public IReadOnlyList<BlockCopy> BlockCopies { get; init; } = [];

    public long Epoch { get; internal set; } = Epoch;

    public long Step { get; internal set; } = Step;

    /// <summary>The same plan in memory of its own; ids are shared, since they are never changed.</summary>
    public StepPlan Copy() =>
        new(Epoch, Step, [.. Slices.Select(slice => slice.Copy())]) { BlockCopies = [.. BlockCopies] };
}

/// <summary>Copies keys and values of all layers from one block to another.</summary>
/// <param name="From">Block that is read.</param>
/// <param name="To">Block that is overwritten.</param>
public readonly record struct BlockCopy(int From, int To);
