namespace LlavaCluster.Core.Moving;

/// <summary>What two replicas must have alike so that the KV of one is, to the bit, what the other would have computed.</summary>
/// <param name="Checkpoint">Id of the checkpoint.</param>
/// <param name="Ranks">Ranks that the language model is split over.</param>
/// <param name="Dtype">Number form of the computation.</param>
/// <param name="Kernels">Who computes it, and how matrices are kept.</param>
/// <param name="BlockTokens">Positions of a block.</param>
/// <param name="Layers">Layers of the language model.</param>
public sealed record KvShape(string Checkpoint, int Ranks, string Dtype, string Kernels, int BlockTokens, int Layers)
{
    /// <summary>Null when KV may move between both; else a sentence that names what differs.</summary>
    /// <param name="caller">What the one has that asks for this one's KV.</param>
    public string? Mismatch(KvShape caller)
    {
        foreach (var (what, here, there) in new[]
        {
            ("checkpoint", Checkpoint, caller.Checkpoint),
            ("tensor-parallel", $"{Ranks}", $"{caller.Ranks}"),
            ("dtype", Dtype, caller.Dtype),
            ("kernels", Kernels, caller.Kernels),
            ("block size", $"{BlockTokens}", $"{caller.BlockTokens}"),
            ("layers", $"{Layers}", $"{caller.Layers}"),
        })
        {
            if (here != there)
            {
                return $"This replica has {what} {here}, the caller has {there}. KV moves between replicas that are started alike.";
            }
        }

        return null;
    }
}
