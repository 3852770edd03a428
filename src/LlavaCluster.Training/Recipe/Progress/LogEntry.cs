using System.Text.Json.Serialization;

namespace LlavaCluster.Training.Recipe.Progress;

/// <summary>A line of a run's log.</summary>
internal sealed record LogEntry
{
    /// <summary>Name of the phase.</summary>
    public required string Phase { get; init; }

    /// <summary>Steps of the phase that are done.</summary>
    public required int Step { get; init; }

    /// <summary>Seconds that the phase has trained.</summary>
    public required double Seconds { get; init; }

    /// <summary>Loss, smoothed.</summary>
    public required double Loss { get; init; }

    /// <summary>Learning rate.</summary>
    public required double Rate { get; init; }

    /// <summary>Norm of the gradient before it was cut.</summary>
    public required double Norm { get; init; }

    /// <summary>What is learned from, per second.</summary>
    public required double PerSecond { get; init; }

    /// <summary>Held-out accuracy by kind, where it was measured.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SortedDictionary<string, double>? Score { get; init; }
}
