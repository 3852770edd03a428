using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Links;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Replicas;

/// <summary>
/// What a seat computes with. Weights and KV memory are made once per rank and stay, however often the ranks are formed anew.
/// </summary>
public interface IRankParts : IAsyncDisposable
{
    /// <summary>What this process holds; constant.</summary>
    RankSplit Split { get; }

    /// <summary>KV blocks of the rank that is prepared.</summary>
    int Blocks { get; }

    /// <summary>Blocks that there is room for in slower memory.</summary>
    TierRoom Below { get; }

    /// <summary>Reads a rank's weights; those of another rank go first. Not while a formation lasts.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    Task PrepareAsync(int rank, CancellationToken cancellationToken);

    /// <summary>What the ranks' numbers travel by in the formation that was joined last, in words for a log.</summary>
    string Carrier { get; }

    /// <summary>The id under which the ranks of a formation that this process leads meet on their GPUs; empty without GPUs.</summary>
    ReadOnlyMemory<byte> NewNcclId();

    /// <summary>Meets the other ranks. Blocks; on the thread that will use the runner.</summary>
    /// <param name="formation">Who they are.</param>
    /// <param name="listener">Where those above this rank call; needed only until this returns. Secure where the seat is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>
    /// The prepared rank's runner, for this formation, with slower memory that is empty; disposing it leaves the formation and keeps the
    /// weights. Nothing that was begun touches the KV memory after that.
    /// </returns>
    /// <exception cref="RankLinkException">A rank is missing or refuses; says which.</exception>
    IModelRunner Join(Formation formation, RankListener listener, CancellationToken cancellationToken);

    /// <summary>A rank is lost: whoever waits for its numbers stops waiting. Any thread; nothing happens outside a formation.</summary>
    void Abort(string reason);
}
