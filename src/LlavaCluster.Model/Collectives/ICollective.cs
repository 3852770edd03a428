using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// What the ranks of a replica do together. Every rank makes the same calls in the same order, from its engine thread; a call
/// returns when this rank's part is done.
/// </summary>
public interface ICollective : IDisposable
{
    /// <summary>Ranks of the replica, at least 1.</summary>
    int Ranks { get; }

    /// <summary>This rank, 0 … <see cref="Ranks"/> − 1.</summary>
    int Rank { get; }

    /// <summary>Replaces the tensor by its sum over all ranks. Every rank gets the same bits.</summary>
    /// <param name="tensor">Same shape and dtype on all ranks; written in place.</param>
    /// <exception cref="CollectiveAbortedException">A rank is gone.</exception>
    void AllReduceSum(Tensor tensor);

    /// <summary>Joins the ranks' tensors along the last dimension, in order of ranks.</summary>
    /// <param name="local">[…, lengths[rank]]; the other dimensions equal on all ranks.</param>
    /// <param name="lengths">Last dimension of each rank's tensor: ranks need not have equal parts.</param>
    /// <returns>[…, Σ lengths], new, in the caller's dispose scope.</returns>
    /// <exception cref="CollectiveAbortedException">A rank is gone.</exception>
    Tensor AllGather(Tensor local, IReadOnlyList<long> lengths);

    /// <summary>Replaces the tensor by the one of <paramref name="root"/>.</summary>
    /// <exception cref="CollectiveAbortedException">A rank is gone.</exception>
    void Broadcast(Tensor tensor, int root);

    /// <summary>
    /// This rank cannot go on: every call of any rank, waiting or to come, ends with <see cref="CollectiveAbortedException"/>. Any
    /// thread.
    /// </summary>
    void Abort(string reason);

    /// <summary>
    /// Fails when a rank is known to be gone: whatever was computed since may be wrong, where calls only enqueue work. Any thread.
    /// </summary>
    /// <exception cref="CollectiveAbortedException">A rank is gone.</exception>
    void ThrowIfAborted();
}

/// <summary>A collective call cannot complete because a rank gave up; the ranks must be formed anew.</summary>
public sealed class CollectiveAbortedException(string reason)
    : Exception($"The ranks no longer work together: {reason} They must be formed anew.");
