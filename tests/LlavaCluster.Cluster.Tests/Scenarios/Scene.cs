namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// A cluster, clients that talk with it, and what is done to it meanwhile. Whatever that is, at the end every transcript must equal that of
/// an undisturbed run token by token, and every process must end as it should.
/// </summary>
/// <param name="Name">By which it is asked for.</param>
/// <param name="What">One line for the reader.</param>
internal sealed record Scene(string Name, string What)
{
    /// <summary>The cluster.</summary>
    public required IReadOnlyList<SiloPlan> Silos { get; init; }

    /// <summary>The clients.</summary>
    public required Talks Talks { get; init; }

    /// <summary>What is done, in order, while they talk.</summary>
    public required IReadOnlyList<Act> Acts { get; init; }

    /// <summary>The same for <c>--short</c>, where it is part of that.</summary>
    public Talks? Short { get; init; }

    /// <summary>What the cluster stands on; null: nothing but this machine.</summary>
    public Ground? Ground { get; init; }

    /// <summary>Where conversations and images are kept: redis or files.</summary>
    public string Store { get; init; } = "redis";

    /// <summary>Ranks of a replica: they add in another order than one alone, so the oracle must be of as many.</summary>
    public int Ranks { get; init; } = 1;

    /// <summary>The one gateway that clients call; null: all of them, by chance.</summary>
    public string? Called { get; init; }

    /// <summary>Before the clients talk, others have, so that all parts have done everything once.</summary>
    public bool IsWarm { get; init; } = true;

    /// <summary>What is done must not break a single client's stream.</summary>
    public bool IsUnbroken { get; init; }
}
