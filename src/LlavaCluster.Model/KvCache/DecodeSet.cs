namespace LlavaCluster.Model.KvCache;

/// <summary>The sequences of a step that compute one token each, as <see cref="Cuda.PagedAttention"/> takes them.</summary>
/// <param name="First">
/// Where, among the step's numbers, they begin: four for each: its token among the step's, where among the numbers its blocks begin, the
/// first position that it looks at, and how many positions there are.
/// </param>
/// <param name="Count">How many.</param>
/// <param name="Stretches">Most stretches of positions that any of them looks at.</param>
internal readonly record struct DecodeSet(int First, int Count, int Stretches);
