namespace LlavaCluster.Model.KvCache;

/// <summary>
/// What a sequence's new tokens look at. Positions of a chunk of 3 after 5 earlier ones, window of 4:
/// <code>
/// position   0 1 2 3 4 | 5 6 7
///                        Start = 5, Length = 3, Context = 8
///                FirstKey = 2: what lies before is out of every new token's window
/// </code>
/// </summary>
/// <param name="Start">Position of the first new token.</param>
/// <param name="Length">New tokens.</param>
/// <param name="FirstKey">First position that any of them looks at.</param>
/// <param name="Window">Positions that a token looks back, itself among them, or null.</param>
internal readonly record struct SpanReach(int Start, int Length, int FirstKey, int? Window)
{
    /// <summary>Positions up to and with the last token.</summary>
    public int Context => Start + Length;

    /// <summary>The sequence's block, by its number in the sequence, where <see cref="FirstKey"/> lies.</summary>
    public int FirstBlock => FirstKey / PagedKvCache.BlockTokens;

    /// <summary>Blocks from there to the last token's.</summary>
    public int BlockCount => ((Context - 1) / PagedKvCache.BlockTokens) - FirstBlock + 1;

    /// <summary>Stretches of <see cref="Cuda.PagedAttention"/> that hold what is looked at.</summary>
    public int Stretches => ((Context - 1) / Cuda.PagedAttention.Stretch) - (FirstKey / Cuda.PagedAttention.Stretch) + 1;

    /// <summary>The reach of some tokens.</summary>
    public static SpanReach Of(int start, int length, int? window)
        => new(start, length, window is { } back ? Math.Max(0, start - back + 1) : 0, window);
}
