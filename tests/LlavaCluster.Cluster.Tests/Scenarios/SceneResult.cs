namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>What came of a scene.</summary>
/// <param name="Name">The scene.</param>
internal sealed record SceneResult(string Name)
{
    /// <summary>Turns answered.</summary>
    public int Turns { get; init; }

    /// <summary>Faults.</summary>
    public int Faults { get; init; }

    /// <summary>How often clients asked again.</summary>
    public int Repeats { get; init; }

    /// <summary>The longest that a stream waited between two tokens.</summary>
    public TimeSpan WorstGap { get; init; }

    /// <summary>The longest that a turn which a fault met waited for a token.</summary>
    public TimeSpan Recovery { get; init; }

    /// <summary>What was not as it must be; null: all was.</summary>
    public string? Failure { get; set; }

    /// <summary>Why it was not played; null: it was.</summary>
    public string? Skipped { get; set; }

    /// <summary>What was measured beside, a line each.</summary>
    public IReadOnlyList<string> Said { get; init; } = [];

    /// <summary>What the processes logged.</summary>
    public List<string> Logs { get; } = [];

    private string Verdict => (Failure, Skipped) switch
    {
        ({ } failure, _) => $"FAILED: {failure}",
        (_, { } reason) => $"skipped: {reason}",
        _ => "ok",
    };

    /// <summary>The heading of the table.</summary>
    public static string Heading => $"| {"scenario",-28} | {"turns",5} | {"faults",6} | {"asked again",11} | {"worst gap",9} | {"recovery",8} | verdict |";

    /// <summary>What stands below the heading.</summary>
    public static string Rule => string.Concat(Heading.Select(c => c == '|' ? '|' : '-'));

    /// <summary>Its line in the table.</summary>
    public string Line =>
        $"| {Name,-28} | {Turns,5} | {Faults,6} | {Repeats,11} | {WorstGap.TotalSeconds,7:F2} s | {Recovery.TotalSeconds,6:F2} s | {Verdict} |";
}
