namespace LlavaCluster.Model.Kernels;

/// <summary>Work on rows that know nothing of each other. A few rows are not worth waking anybody for.</summary>
/// <param name="pool">Who computes.</param>
internal abstract unsafe class RowWork(WorkerPool pool) : ParallelWork, IDisposable
{
    private const int RowsPerItem = 8;

    private readonly Scratch[] _scratch = [.. Enumerable.Range(0, pool.Workers).Select(_ => new Scratch())];
    private int _rows;

    /// <inheritdoc/>
    public override int Items => (_rows + RowsPerItem - 1) / RowsPerItem;

    /// <inheritdoc/>
    public override void Do(int item, int worker)
    {
        var last = Math.Min(_rows, (item + 1) * RowsPerItem);
        for (var row = item * RowsPerItem; row < last; row++)
        {
            Row(row, _scratch[worker]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var scratch in _scratch)
        {
            scratch.Dispose();
        }
    }

    /// <summary>Does all rows.</summary>
    protected void Run(int rows)
    {
        _rows = rows;
        pool.Run(this);
    }

    /// <summary>Does one row.</summary>
    /// <param name="row">Its number.</param>
    /// <param name="scratch">The worker's memory.</param>
    protected abstract void Row(int row, Scratch scratch);

    /// <summary>The next multiple of a vector's 16 numbers: rows in scratch memory are filled up to it.</summary>
    protected static int Padded(int count) => (count + 15) & ~15;
}
