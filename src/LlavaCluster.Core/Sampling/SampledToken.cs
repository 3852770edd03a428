namespace LlavaCluster.Core.Sampling;

/// <summary>One chosen token.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProb">Natural logarithm of its probability by the model's own logits, before any sampling option.</param>
/// <param name="Top">The most probable tokens, best first, when asked for; else empty.</param>
public readonly record struct SampledToken(int Id, float LogProb, IReadOnlyList<(int Id, float LogProb)> Top);
