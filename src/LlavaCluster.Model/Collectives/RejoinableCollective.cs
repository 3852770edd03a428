using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// A rank's end that outlives its formations: a model is built once over this, and each formation of the ranks brings the collective
/// that it talks through. Between formations every call is aborted. <see cref="Attach"/> and <see cref="Detach"/> by the engine thread
/// of the formation, <see cref="Abort"/> by any.
/// </summary>
/// <param name="rank">This rank.</param>
/// <param name="ranks">Ranks of the replica.</param>
public sealed class RejoinableCollective(int rank, int ranks) : ICollective
{
    private volatile ICollective? _current;

    /// <inheritdoc/>
    public int Ranks => ranks;

    /// <inheritdoc/>
    public int Rank => rank;

    private ICollective Current => _current ?? throw new CollectiveAbortedException($"rank {rank} belongs to no formation.");

    /// <summary>From now on calls go through this; disposed by <see cref="Detach"/>.</summary>
    public void Attach(ICollective formed)
    {
        if (formed.Rank != rank || formed.Ranks != ranks)
        {
            throw new ArgumentException(
                $"The collective is of rank {formed.Rank} of {formed.Ranks}; the weights are of rank {rank} of {ranks}.", nameof(formed));
        }

        Detach();
        _current = formed;
    }

    /// <summary>Leaves the formation; nothing happens outside one.</summary>
    public void Detach() => Interlocked.Exchange(ref _current, null)?.Dispose();

    /// <inheritdoc/>
    public void AllReduceSum(Tensor tensor) => Current.AllReduceSum(tensor);

    /// <inheritdoc/>
    public Tensor AllGather(Tensor local, IReadOnlyList<long> lengths) => Current.AllGather(local, lengths);

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root) => Current.Broadcast(tensor, root);

    /// <inheritdoc/>
    public void Abort(string reason) => _current?.Abort(reason);

    /// <inheritdoc/>
    public void ThrowIfAborted() => Current.ThrowIfAborted();

    /// <inheritdoc/>
    public void Dispose() => Detach();
}
