namespace LlavaCluster.Client.Load;

/// <summary>The load that is put on a cluster: sessions of several turns, some of them about a picture.</summary>
internal sealed record LoadPlan
{
    /// <summary>Sessions in all.</summary>
    public required int Sessions { get; init; }

    /// <summary>Sessions that talk at once, when <see cref="Rate"/> is null: the next begins when one ends.</summary>
    public required int Concurrency { get; init; }

    /// <summary>Sessions that begin per second, at random moments (a Poisson process), however many talk already; or null.</summary>
    public double? Rate { get; init; }

    /// <summary>Turns of a session.</summary>
    public required int Turns { get; init; }

    /// <summary>Mean time between an answer's end and the next turn of the session; exponentially distributed.</summary>
    public TimeSpan Think { get; init; }

    /// <summary>Ask for the conversation's KV when half of that time is over, as a client does whose user begins to type.</summary>
    public bool Warm { get; init; }

    /// <summary>Share of the sessions that begin with a picture, 0 to 1.</summary>
    public double ImageShare { get; init; }

    /// <summary>Words of a question.</summary>
    public required int Words { get; init; }

    /// <summary>Most tokens of an answer.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Same seed: same questions, pictures and moments.</summary>
    public required int Seed { get; init; }

    /// <summary>Seed of one session, or one picture.</summary>
    public int SeedOf(int number) => unchecked((Seed * 1_000_003) + number);

    /// <summary>A turn counts as good when its first token comes within this time.</summary>
    public required TimeSpan FirstTokenGoal { get; init; }

    /// <summary>And its tokens, on average, come at least this often.</summary>
    public required TimeSpan PerTokenGoal { get; init; }
}
