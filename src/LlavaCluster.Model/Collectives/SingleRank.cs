using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>A replica of one rank: nothing to do together.</summary>
public sealed class SingleRank : ICollective
{
    /// <inheritdoc/>
    public int Ranks => 1;

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public void AllReduceSum(Tensor tensor)
    {
    }

    /// <inheritdoc/>
    public Tensor AllGather(Tensor local, IReadOnlyList<long> lengths) => local.alias();

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root)
    {
    }

    /// <inheritdoc/>
    public void Abort(string reason)
    {
    }

    /// <inheritdoc/>
    public void ThrowIfAborted()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
