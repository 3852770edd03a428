namespace LlavaCluster.Core.Moving;

/// <summary>What an engine fetched from other replicas since its start, and what it decides the next time by.</summary>
public sealed record KvMoveCounts
{
    /// <summary>Moves that brought blocks.</summary>
    public long Moves { get; init; }

    /// <summary>Moves that ended before their time, whether they brought some or none.</summary>
    public long Failed { get; init; }

    /// <summary>Times that computing was faster.</summary>
    public long NotWorthMoving { get; init; }

    /// <summary>Blocks that came.</summary>
    public long Blocks { get; init; }

    /// <summary>Blocks that came damaged and were dropped.</summary>
    public long Damaged { get; init; }

    /// <summary>Bytes of <see cref="Blocks"/> on one rank: all fetch at the same time.</summary>
    public long Bytes { get; init; }

    /// <summary>Bytes per second that moves bring, connecting included; before the first: what configuration says.</summary>
    public double Rate { get; init; }

    /// <summary>Prompt tokens computed per second; 0: not measured yet.</summary>
    public double PrefillRate { get; init; }
}
