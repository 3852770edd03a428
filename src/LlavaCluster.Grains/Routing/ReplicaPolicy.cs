using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Routing;

/// <summary>
/// Which replica answers: the one that has the session's KV as long as it is there; else the less loaded of two drawn at random, which
/// spreads nearly as well as asking all and never sends everybody to the same one. Pure.
/// </summary>
internal static class ReplicaPolicy
{
    /// <summary>The replica if there is no choice to make, else the two to compare.</summary>
    /// <param name="known">Replica that has the session's KV, or null.</param>
    /// <param name="replicas">Replicas that are there; at least one.</param>
    /// <param name="random">Chance.</param>
    public static (string First, string? Second) Candidates(string? known, IReadOnlyList<string> replicas, Random random)
    {
        if (known is not null && replicas.Contains(known))
        {
            return (known, null);
        }

        if (replicas.Count == 1)
        {
            return (replicas[0], null);
        }

        var first = random.Next(replicas.Count);
        var second = (first + 1 + random.Next(replicas.Count - 1)) % replicas.Count;
        return (replicas[first], replicas[second]);
    }

    /// <summary>True when the first of two is to be taken.</summary>
    public static bool Prefers(LoadMessage first, LoadMessage second)
    {
        // Who waits, waits for blocks or places: queues count before anything that merely runs.
        if (first.Waiting != second.Waiting)
        {
            return first.Waiting < second.Waiting;
        }

        return first.Running != second.Running
            ? first.Running < second.Running
            : Fullness(first) <= Fullness(second);
    }

    private static double Fullness(LoadMessage load) => load.TotalBlocks == 0 ? 1 : 1 - ((double)load.FreeBlocks / load.TotalBlocks);
}
