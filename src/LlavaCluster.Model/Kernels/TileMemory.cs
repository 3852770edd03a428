namespace LlavaCluster.Model.Kernels;

/// <summary>
/// What one piece of work computes in; all in a worker's scratch memory. Heads have queries and sums of their own, and share the
/// rest, which one after the other needs.
/// </summary>
internal readonly unsafe ref struct TileMemory
{
    /// <summary>Positions whose scores are computed together: four vectors of 16.</summary>
    public const int GroupKeys = 64;

    /// <summary>Queries whose scores are computed together, so that these, keys and values fit a first-level cache.</summary>
    public const int RowsAtOnce = 64;

    private const int CacheLine = 64;

    private readonly float* _memory;
    private readonly long _own;
    private readonly int _rows;
    private readonly int _padded;
    private readonly int _queryWords;
    private readonly int _weightWords;
    private readonly int _keyWords;
    private readonly float* _shared;

    /// <summary>Takes it for as many heads, with as many queries each.</summary>
    public TileMemory(Scratch scratch, int heads, int rows, int padded, AttentionShape shape, PanelKernel kernel)
    {
        int bytes = kernel.NumberBytes(shape.Form), rowBytes = kernel.RowNumberBytes(shape.Form);
        (_rows, _padded) = (rows, padded);
        _queryWords = Words((shape.HeadDim + 1) * rowBytes);
        _weightWords = Words(GroupKeys * rowBytes);
        _keyWords = Words(GroupKeys * (shape.HeadDim + 1) * bytes);
        _own = (long)rows * (_queryWords + padded) + (2 * Words(rows * sizeof(float)));
        var shared = ((long)RowsAtOnce * (GroupKeys + _weightWords)) + _keyWords + Words(GroupKeys * padded * bytes);
        _memory = scratch.Room((heads * _own) + shared);
        _shared = _memory + (heads * _own);
    }

    /// <summary>One head's part.</summary>
    public HeadMemory Of(int head)
    {
        var own = _memory + (head * _own);
        var sums = own + ((long)_rows * _queryWords);
        var largest = sums + ((long)_rows * _padded);
        var prepared = _shared + (RowsAtOnce * GroupKeys);
        var keys = prepared + (RowsAtOnce * _weightWords);
        return new HeadMemory
        {
            Queries = (byte*)own,
            QueryStride = _queryWords * sizeof(float),
            Sums = sums,
            Largest = largest,
            Weights = largest + Words(_rows * sizeof(float)),
            Scores = _shared,
            Prepared = (byte*)prepared,
            Keys = (byte*)keys,
            Values = (byte*)(keys + _keyWords),
        };
    }

    /// <summary>Words of whole cache lines.</summary>
    private static int Words(int bytes) => (bytes + CacheLine - 1) / CacheLine * (CacheLine / sizeof(float));
}

/// <summary>One head's part of it.</summary>
internal readonly unsafe ref struct HeadMemory
{
    /// <summary>[rows, query stride], prepared.</summary>
    public required byte* Queries { get; init; }

    /// <summary>Bytes from query to query.</summary>
    public required int QueryStride { get; init; }

    /// <summary>[rows, padded head_dim]: Σ weight · value.</summary>
    public required float* Sums { get; init; }

    /// <summary>[rows]: the largest score so far.</summary>
    public required float* Largest { get; init; }

    /// <summary>[rows]: Σ weight.</summary>
    public required float* Weights { get; init; }

    /// <summary>[64 rows, 64]</summary>
    public required float* Scores { get; init; }

    /// <summary>[64 rows, 64]: weights, prepared.</summary>
    public required byte* Prepared { get; init; }

    /// <summary>[64, head_dim], in panels.</summary>
    public required byte* Keys { get; init; }

    /// <summary>[64, padded head_dim], in lines.</summary>
    public required byte* Values { get; init; }
}
