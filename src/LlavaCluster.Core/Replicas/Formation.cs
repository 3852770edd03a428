using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Core.Replicas;

/// <summary>One coming together of a replica's ranks.</summary>
/// <param name="Id">Drawn anew: who was not told it is not let in.</param>
/// <param name="Epoch">Higher than that of every formation before.</param>
/// <param name="Members">The seat of each rank, in order of ranks.</param>
public sealed record Formation(Guid Id, long Epoch, IReadOnlyList<SeatOffer> Members)
{
    /// <summary>KV blocks that every rank has.</summary>
    public int Blocks => Members.Min(member => member.Blocks);

    /// <summary>Blocks that every rank has room for in slower memory.</summary>
    public TierRoom Below => Members.Select(member => member.Below).Aggregate((room, other) => room.And(other));

    /// <summary>KV moves between every rank and those of other replicas.</summary>
    public bool MovesKv => Members.All(member => member.MovesKv);

    /// <summary>The rank of an offer; -1: it has none here.</summary>
    public int RankOf(Guid offer)
    {
        for (var rank = 0; rank < Members.Count; rank++)
        {
            if (Members[rank].Id == offer)
            {
                return rank;
            }
        }

        return -1;
    }
}
