namespace LlavaCluster.Benchmarks.Cluster;

/// <summary>Who answers turns; many at once.</summary>
internal interface ITurns
{
    /// <summary>What every turn asks.</summary>
    const string Question = "Tell me everything about the green harbour.";

    /// <summary>The end-of-sequence id of the golden vicuna, which never comes: answers have the length that is asked for.</summary>
    static KeyValuePair<int, float> Endless { get; } = new(2, -100);

    /// <summary>Processor time that the answering process took so far.</summary>
    TimeSpan ProcessorTime { get; }

    /// <summary>One turn of a new session, to its end.</summary>
    /// <param name="tokens">Length of the answer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<TurnTimes> TurnAsync(int tokens, CancellationToken cancellationToken);
}

/// <summary>How long a turn took who asked for it, and how much of that the engine had it, by its own clock.</summary>
/// <param name="First">From the call to the first token.</param>
/// <param name="Whole">From the call to the end.</param>
/// <param name="EngineFirst">From the engine's taking the turn to the step's end that gave the first token.</param>
/// <param name="EngineWhole">From the engine's taking the turn to the step's end that gave the last token.</param>
internal readonly record struct TurnTimes(TimeSpan First, TimeSpan Whole, TimeSpan EngineFirst, TimeSpan EngineWhole);
