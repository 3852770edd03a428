namespace LlavaCluster.Core.Replicas;

/// <summary>What all ranks of a replica must hold alike: parts of one model, cut in one way.</summary>
/// <param name="Checkpoint">Id of the checkpoint.</param>
/// <param name="Ranks">Ranks that the language model is split over.</param>
/// <param name="Dtype">Number form of the computation.</param>
/// <param name="Kernels">Who computes it.</param>
/// <param name="Collective">What the ranks' numbers travel by: tcp, shared or nccl.</param>
public sealed record RankSplit(string Checkpoint, int Ranks, string Dtype, string Kernels, string Collective)
{
    /// <summary>Null when both fit together; else a sentence that names what differs.</summary>
    /// <param name="mine">Who holds this.</param>
    /// <param name="other">What the other holds.</param>
    /// <param name="others">Who the other is.</param>
    public string? Mismatch(string mine, RankSplit other, string others)
    {
        foreach (var (what, here, there) in new[]
        {
            ("checkpoint", Checkpoint, other.Checkpoint),
            ("tensor-parallel", $"{Ranks}", $"{other.Ranks}"),
            ("dtype", Dtype, other.Dtype),
            ("kernels", Kernels, other.Kernels),
            ("collective", Collective, other.Collective),
        })
        {
            if (here != there)
            {
                return $"Seat {mine} has {what} {here}, seat {others} has {there}. Start all ranks of a replica alike.";
            }
        }

        return null;
    }
}
