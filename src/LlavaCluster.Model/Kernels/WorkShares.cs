namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Cuts a run of pieces into shares that workers take one after the other: large ones first, since what lies side by side is read
/// fastest, then smaller and smaller ones, so that all end together.
/// </summary>
/// <param name="workers">Who takes them.</param>
internal sealed class WorkShares(int workers)
{
    private int[] _starts = new int[64];

    /// <summary>Shares.</summary>
    public int Count { get; private set; }

    /// <summary>Cuts so many pieces.</summary>
    public void Cut(int pieces)
    {
        Count = 0;
        for (var start = 0; start < pieces; start += Math.Max(1, (pieces - start) / (2 * workers)))
        {
            if (Count + 1 == _starts.Length)
            {
                Array.Resize(ref _starts, 2 * _starts.Length);
            }

            _starts[Count++] = start;
        }

        _starts[Count] = pieces;
    }

    /// <summary>A share: from a piece to before another.</summary>
    public (int First, int End) Of(int share) => (_starts[share], _starts[share + 1]);
}
