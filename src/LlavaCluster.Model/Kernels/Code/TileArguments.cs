using System.Runtime.InteropServices;

namespace LlavaCluster.Model.Kernels.Code;

/// <summary>What a tile's code reads; it knows the fields by their places.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TileArguments
{
    /// <summary>[rows, 2 × pairs] bfloat16.</summary>
    public byte* X;

    /// <summary>Bytes from row to row of x.</summary>
    public long XStride;

    /// <summary>[vectors][pairs][16] pairs of bfloat16.</summary>
    public byte* Panel;

    /// <summary>Bytes from vector to vector of a line.</summary>
    public long VectorStride;

    /// <summary>Bytes from line to line.</summary>
    public long LineStride;

    /// <summary>Lines, at least 1.</summary>
    public long Pairs;

    /// <summary>[rows, vectors × 16] float32.</summary>
    public float* Sums;

    /// <summary>Bytes from row to row of the sums.</summary>
    public long SumStride;

    /// <summary>Memory that is fetched meanwhile, by functions that fetch.</summary>
    public byte* Ahead;

    /// <summary>Bytes of it for each line of the panel, at most <see cref="TileCode.MostAhead"/>.</summary>
    public long AheadStep;
}

/// <summary>What a row's code reads; it knows the fields by their places.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RowArguments
{
    /// <summary>16 rows of bfloat16.</summary>
    public byte* Rows;

    /// <summary>Bytes from row to row.</summary>
    public long Stride;

    /// <summary>As many numbers of x.</summary>
    public byte* X;

    /// <summary>Squares of 16 rows × 16 pairs, at least 1.</summary>
    public long Squares;

    /// <summary>[16] float32, read and written.</summary>
    public float* Sums;

    /// <summary>Memory that is fetched meanwhile, as much as the squares have.</summary>
    public byte* Ahead;
}
