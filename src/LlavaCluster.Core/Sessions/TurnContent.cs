using LlavaCluster.Core.Sampling;

namespace LlavaCluster.Core.Sessions;

/// <summary>What a client asks with a turn. Two requests with one turn id must have the same.</summary>
/// <param name="Parts">What the user sent.</param>
/// <param name="System">System message, or null.</param>
/// <param name="Sampling">How tokens are chosen, as asked.</param>
/// <param name="MaxTokens">Most tokens of the answer, as asked.</param>
public sealed record TurnContent(IReadOnlyList<TurnPart> Parts, string? System, SamplingOptions Sampling, int MaxTokens)
{
    /// <summary>The content of a logged turn.</summary>
    public static TurnContent Of(TurnStarted turn) => new(turn.Parts, turn.System, turn.Sampling, turn.MaxTokens);

    /// <summary>True when the other asks for the same.</summary>
    public bool IsSameAs(TurnContent other) =>
        Parts.SequenceEqual(other.Parts)
        && System == other.System
        && MaxTokens == other.MaxTokens
        && Same(Sampling, other.Sampling);

    private static bool Same(SamplingOptions left, SamplingOptions right)
    {
        // A record compares its lists by reference: they are compared apart, and then made one.
        return left.Stop.SequenceEqual(right.Stop)
            && left.LogitBias.Count == right.LogitBias.Count
            && left.LogitBias.All(bias => right.LogitBias.TryGetValue(bias.Key, out var value) && value == bias.Value)
            && left with { Stop = right.Stop, LogitBias = right.LogitBias } == right;
    }
}
