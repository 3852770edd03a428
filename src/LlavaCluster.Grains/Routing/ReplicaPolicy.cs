using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Routing;

/// <summary>A replica that could answer.</summary>
/// <param name="Seat">What its leader said last.</param>
/// <param name="Sent">Turns that this gateway has sent there since.</param>
internal sealed record ReplicaChoice(SeatLoadMessage Seat, int Sent)
{
    /// <summary>Name.</summary>
    public string Replica => Seat.Replica;

    /// <summary>Nobody waits, and a quarter of the KV blocks is free.</summary>
    public bool HasRoom => Seat.Load.Waiting == 0 && Seat.Load.FreeBlocks * 4L >= Seat.Load.TotalBlocks;

    /// <summary>Who is there waits longer than makes up for computing the conversation again elsewhere.</summary>
    public bool IsOverloaded => Seat.Load.Waiting >= ReplicaPolicy.Overload;
}

/// <summary>
/// Which replica answers: (1) the one that has the session's KV, unless it is overloaded and another has room; (2) one with room that has
/// computed the conversation's images or system message for another session; (3) the less loaded of two drawn at random, which spreads
/// nearly as well as comparing all and never sends everybody to the same one. Pure.
/// </summary>
internal static class ReplicaPolicy
{
    /// <summary>So many wait where a session is moved away.</summary>
    public const int Overload = 8;

    /// <summary>The replica to ask.</summary>
    /// <param name="known">Replica that has the session's KV, or null.</param>
    /// <param name="avoid">Replica that has just failed; taken only when it is the only one. Null: none.</param>
    /// <param name="beginnings">What the conversation may have in common with others.</param>
    /// <param name="replicas">Replicas that are there; at least one.</param>
    /// <param name="random">Chance.</param>
    public static ReplicaChoice Choose(
        string? known, string? avoid, IReadOnlyList<ulong> beginnings, IReadOnlyList<ReplicaChoice> replicas, Random random)
    {
        var left = replicas.Where(choice => choice.Replica != avoid).ToArray();
        left = left.Length > 0 ? left : [.. replicas];
        // (1)
        if (left.FirstOrDefault(choice => choice.Replica == known) is { } own
            && !(own.IsOverloaded && left.Any(choice => choice.HasRoom)))
        {
            return own;
        }

        // (2)
        if (beginnings.Count > 0
            && left.Where(choice => choice.HasRoom && Shared(choice, beginnings) > 0)
                .OrderByDescending(choice => Shared(choice, beginnings)).ThenBy(choice => choice.Seat.Load.Running + choice.Sent)
                .FirstOrDefault() is { } shares)
        {
            return shares;
        }

        // (3)
        if (left.Length == 1)
        {
            return left[0];
        }

        var first = random.Next(left.Length);
        var second = (first + 1 + random.Next(left.Length - 1)) % left.Length;
        return Prefers(left[first], left[second]) ? left[first] : left[second];
    }

    /// <summary>True when the first of two is to be taken.</summary>
    public static bool Prefers(ReplicaChoice first, ReplicaChoice second)
    {
        // Who waits, waits for blocks or places: queues count before anything that merely runs.
        if (first.Seat.Load.Waiting != second.Seat.Load.Waiting)
        {
            return first.Seat.Load.Waiting < second.Seat.Load.Waiting;
        }

        var (mine, other) = (first.Seat.Load.Running + first.Sent, second.Seat.Load.Running + second.Sent);
        return mine != other ? mine < other : Fullness(first.Seat.Load) <= Fullness(second.Seat.Load);
    }

    private static int Shared(ReplicaChoice choice, IReadOnlyList<ulong> beginnings) => beginnings.Count(choice.Seat.Beginnings.Contains);

    private static double Fullness(LoadMessage load) => load.TotalBlocks == 0 ? 1 : 1 - ((double)load.FreeBlocks / load.TotalBlocks);
}
