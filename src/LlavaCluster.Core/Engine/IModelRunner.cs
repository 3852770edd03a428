using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Engine;

/// <summary>
/// One rank's language model with its KV blocks. It obeys plans and decides nothing. One thread only: the engine's; all ranks
/// of a replica get the same calls in the same order.
/// </summary>
public interface IModelRunner : IDisposable
{
    /// <summary>What this runner can hold; constant.</summary>
    RunnerCapacity Capacity { get; }

    /// <summary>Moves the runner's blocks to slower memory and back; null: it has none. Any thread.</summary>
    IBlockMover? Mover => null;

    /// <summary>Reads and writes the runner's blocks for moves between replicas; null: they lie where that cannot be done. Any thread.</summary>
    IBlockBytes? Bytes => null;

    /// <summary>Projects and packs an image's features, to be spliced in by later plans until forgotten.</summary>
    void LoadImage(ImageFeatures features);

    /// <summary>Drops what <see cref="LoadImage"/> kept; nothing happens when it is not there.</summary>
    void ForgetImage(ImageHash image);

    /// <summary>
    /// Copies the blocks that the plan names, then computes the tokens of every slice, writes their KV to the blocks named, and samples
    /// where a slice asks for it. The plan holds only during the call.
    /// </summary>
    /// <returns>On rank 0 one entry per slice that has a <see cref="SequenceSlice.Sample"/>, in order; elsewhere empty. It holds
    /// until the next call.</returns>
    StepOutput Run(StepPlan plan);
}

/// <summary>What a runner can hold.</summary>
/// <param name="BlockCount">KV blocks.</param>
/// <param name="BlockTokens">Positions of a block (16).</param>
/// <param name="MaxPositions">Longest sequence that the model takes, tokens.</param>
/// <param name="VocabularySize">Ids that can be sampled: 0 … this − 1.</param>
public sealed record RunnerCapacity(int BlockCount, int BlockTokens, int MaxPositions, int VocabularySize);
