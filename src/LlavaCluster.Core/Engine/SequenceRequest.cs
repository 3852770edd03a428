using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Core.Engine;

/// <summary>One turn as an engine gets it.</summary>
public sealed record SequenceRequest
{
    /// <summary>Name for logs: session and turn.</summary>
    public required string Name { get; init; }

    /// <summary>Whose turn it is: with the session all is forgotten that its turns left; empty: nobody's.</summary>
    public string Session { get; init; } = "";

    /// <summary>All ids of the conversation so far, placeholders where images stand.</summary>
    public required IReadOnlyList<int> TokenIds { get; init; }

    /// <summary>The images of the whole conversation, in order.</summary>
    public required IReadOnlyList<ImageSpan> Images { get; init; }

    /// <summary>Which encoder to ask for an image; may lack some.</summary>
    public IReadOnlyDictionary<string, string> Encoders { get; init; } = new Dictionary<string, string>();

    /// <summary>How tokens are chosen.</summary>
    public required SamplingOptions Sampling { get; init; }

    /// <summary>Seed of the turn.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Number of the turn in its session, from 0.</summary>
    public required int Turn { get; init; }

    /// <summary>Most tokens to generate, at least 1.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Ids of the answer that an earlier run of this turn generated: the engine goes on behind them, as if it had just
    /// generated them itself. They are not told again; <see cref="MaxTokens"/> counts them.</summary>
    public IReadOnlyList<int> Answered { get; init; } = [];

    /// <summary>Answers to generate, at least 1: they share the prompt's KV. Only the first has <see cref="Seed"/> itself. More than
    /// one cannot go on behind an earlier run.</summary>
    public int Choices { get; init; } = 1;

    /// <summary>Where another replica, which has computed the conversation, lends its KV: an address per rank. Empty: nowhere.</summary>
    public IReadOnlyList<string> KvFrom { get; init; } = [];

    /// <summary>Conversations of different tenants never share KV.</summary>
    public string Tenant { get; init; } = "";
}
