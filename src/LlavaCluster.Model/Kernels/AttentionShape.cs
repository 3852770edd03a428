namespace LlavaCluster.Model.Kernels;

/// <summary>The heads of one rank.</summary>
internal sealed class AttentionShape
{
    /// <summary>Positions of a KV block.</summary>
    public const int BlockTokens = 16;

    private readonly int[] _firstQuery;

    /// <summary>The heads of a rank.</summary>
    /// <param name="form">Form of activations and KV.</param>
    /// <param name="headDim">Numbers of a head.</param>
    /// <param name="kvHeads">KV heads.</param>
    /// <param name="kvHeadOfQuery">The KV head of every query head; never falls.</param>
    /// <param name="slidingWindow">Positions that attention looks back, or null.</param>
    /// <param name="isCausal">A token sees those before it and itself; else all of its sequence.</param>
    /// <param name="inPanels">KV pages lie in panels, see <see cref="PageWriter"/>; else as rows.</param>
    public AttentionShape(
        NumberForm form, int headDim, int kvHeads, IReadOnlyList<int> kvHeadOfQuery, int? slidingWindow, bool isCausal = true, bool inPanels = false)
    {
        (IsCausal, InPanels) = (isCausal, inPanels);
        (Form, HeadDim, KvHeads, Heads, SlidingWindow) = (form, headDim, kvHeads, kvHeadOfQuery.Count, slidingWindow);
        _firstQuery = [.. Enumerable.Range(0, kvHeads + 1).Select(kv => kvHeadOfQuery.Count(other => other < kv))];
    }

    /// <summary>Form of activations and KV.</summary>
    public NumberForm Form { get; }

    /// <summary>Numbers of a head.</summary>
    public int HeadDim { get; }

    /// <summary>KV heads.</summary>
    public int KvHeads { get; }

    /// <summary>Query heads.</summary>
    public int Heads { get; }

    /// <summary>Positions that attention looks back, or null: all.</summary>
    public int? SlidingWindow { get; }

    /// <summary>A token sees those before it and itself; else all of its sequence.</summary>
    public bool IsCausal { get; }

    /// <summary>KV pages lie in panels; else as rows.</summary>
    public bool InPanels { get; }

    /// <summary>Numbers of a token's queries, keys and values together.</summary>
    public int Fused => (Heads + (2 * KvHeads)) * HeadDim;

    /// <summary>Bytes of a position in a layer's key or value pages.</summary>
    public int PositionBytes => KvHeads * HeadDim * Numbers.Size(Form);

    /// <summary>Bytes of a KV head in a block of keys or values; one stretch where pages lie in panels.</summary>
    public int HeadPageBytes => BlockTokens * HeadDim * Numbers.Size(Form);

    /// <summary>The first query head of a KV head.</summary>
    public int FirstQuery(int kvHead) => _firstQuery[kvHead];

    /// <summary>Query heads of a KV head.</summary>
    public int Group(int kvHead) => _firstQuery[kvHead + 1] - _firstQuery[kvHead];
}
