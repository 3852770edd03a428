namespace LlavaCluster.Grains.Contracts;

/// <summary>What to do with a turn that comes while another one of the session runs.</summary>
public enum BusyPolicy
{
    /// <summary>It waits for its turn.</summary>
    Wait,

    /// <summary>It is refused (<see cref="RefusalCode.TurnRunning"/>).</summary>
    Refuse,
}

/// <summary>One user message and how it is to be answered.</summary>
[GenerateSerializer, Immutable, Alias("llava.TurnRequest")]
public sealed record TurnRequestMessage
{
    /// <summary>Id that the client chose; empty: the session makes one and tells it.</summary>
    [Id(0)]
    public string TurnId { get; init; } = "";

    /// <summary>Texts and images in the order given.</summary>
    [Id(1)]
    public required IReadOnlyList<TurnPartMessage> Parts { get; init; }

    /// <summary>System message; only the first turn of a session may bring one.</summary>
    [Id(2)]
    public string? System { get; init; }

    /// <summary>How tokens are chosen.</summary>
    [Id(3)]
    public SamplingMessage Sampling { get; init; } = new();

    /// <summary>Most tokens of the answer; 0: the server's default. Cut to what the context holds.</summary>
    [Id(4)]
    public int MaxTokens { get; init; }

    /// <summary>Tokens of this turn that the client has seen; deltas start after them.</summary>
    [Id(5)]
    public int ResumeFrom { get; init; }

    /// <summary>What to do while another turn runs.</summary>
    [Id(6)]
    public BusyPolicy Busy { get; init; }

    /// <summary>The session need not exist yet: true when the client named none.</summary>
    [Id(7)]
    public bool MayCreate { get; init; }

    /// <summary>Whose conversation it is; KV is never shared between tenants.</summary>
    [Id(8)]
    public string Tenant { get; init; } = "";

    /// <summary>Who asks knows <see cref="TurnWaitingMessage"/>; an edge of an earlier version does not.</summary>
    [Id(9)]
    public bool TellSilences { get; init; }
}

/// <summary>A part of a user's message: exactly one of the two is set.</summary>
/// <param name="Text">Words.</param>
/// <param name="Image">64 hexadecimal digits: hash of an image that the image store has.</param>
[GenerateSerializer, Immutable, Alias("llava.TurnPart")]
public sealed record TurnPartMessage([property: Id(0)] string? Text, [property: Id(1)] string? Image)
{
    /// <summary>Words.</summary>
    public static TurnPartMessage OfText(string text) => new(text, null);

    /// <summary>An image in the store.</summary>
    public static TurnPartMessage OfImage(string sha256) => new(null, sha256);
}
