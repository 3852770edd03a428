namespace LlavaCluster.Core.Engine;

/// <summary>The link of a replica of one rank: there is nobody to tell.</summary>
public sealed class SingleRankLink : IShardLink
{
    /// <inheritdoc/>
    public int Followers => 0;

    /// <inheritdoc/>
    public void Send(ShardMessage message)
    {
    }

    /// <inheritdoc/>
    public ShardMessage Receive(int rank, CancellationToken cancellationToken) =>
        throw new InvalidOperationException($"A replica of one rank has no follower {rank}.");

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
