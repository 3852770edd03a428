namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Weights in bfloat16 in the order in which products read them. 64 outputs are a tile; a tile is lines, each with the same pair of inputs
/// of all its outputs: whoever multiplies by it reads one stream, with nothing to turn. A tile takes the bytes that its rows took, so a
/// matrix is turned where it lies, and outputs that fill no tile stay rows.
/// </summary>
/// <param name="weight">[outputs, inputs], turned.</param>
/// <param name="outputs">Rows, a multiple of <see cref="Outputs"/>.</param>
/// <param name="inputs">Columns, even.</param>
/// <param name="workers">How many will turn it.</param>
internal sealed unsafe class TileOrder(byte* weight, int outputs, int inputs, int workers) : ParallelWork, IDisposable
{
    /// <summary>Outputs of a tile.</summary>
    public const int Outputs = 64;

    /// <summary>Bytes of a line: a pair of each output.</summary>
    public const int LineBytes = Outputs * 2 * sizeof(ushort);

    private const int Lanes = 16, SquarePairs = 16;

    private readonly Scratch[] _scratch = [.. Enumerable.Range(0, workers).Select(_ => new Scratch())];

    /// <inheritdoc/>
    public override int Items => outputs / Outputs;

    private long RowBytes => (long)inputs * sizeof(ushort);

    /// <summary>Turns the tiles that a matrix fills.</summary>
    /// <param name="weight">[outputs, inputs]</param>
    /// <param name="outputs">Rows.</param>
    /// <param name="inputs">Columns.</param>
    /// <param name="pool">Who turns.</param>
    /// <returns>How many outputs, from the first on, lie in tiles now.</returns>
    public static int Turn(byte* weight, int outputs, int inputs, WorkerPool pool)
    {
        var whole = inputs % 2 == 0 ? outputs / Outputs * Outputs : 0;
        using var work = new TileOrder(weight, whole, inputs, pool.Workers);
        pool.Run(work);
        return whole;
    }

    /// <summary>Writes tiles out as rows.</summary>
    /// <param name="tiles">Whole tiles.</param>
    /// <param name="outputs">Their outputs.</param>
    /// <param name="inputs">Their inputs.</param>
    /// <param name="rows">[outputs, inputs], written.</param>
    public static void WriteRows(byte* tiles, int outputs, int inputs, byte* rows)
    {
        for (var output = 0; output < outputs; output++)
        {
            var row = (uint*)(rows + ((long)output * inputs * sizeof(ushort)));
            var tile = (uint*)(tiles + ((long)(output / Outputs) * Outputs * inputs * sizeof(ushort)));
            for (var pair = 0; pair < inputs / 2; pair++)
            {
                row[pair] = tile[((long)pair * Outputs) + (output % Outputs)];
            }
        }
    }

    /// <inheritdoc/>
    public override void Do(int item, int worker)
    {
        var bytes = Outputs * RowBytes;
        var rows = (byte*)_scratch[worker].Room(bytes / sizeof(float));
        var tile = weight + (item * bytes);
        Buffer.MemoryCopy(tile, rows, bytes, bytes);
        for (var lane = 0; lane < Outputs; lane += Lanes)
        {
            Turn(rows + (lane * RowBytes), tile + (lane * 2 * sizeof(ushort)));
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

    /// <summary>16 rows.</summary>
    private void Turn(byte* rows, byte* lines)
    {
        var pair = 0;
        for (; pair + SquarePairs <= inputs / 2; pair += SquarePairs)
        {
            var square = Square512.Load(rows + (pair * 2 * sizeof(ushort)), RowBytes);
            square.Turn();
            square.Store(lines + ((long)pair * LineBytes), LineBytes);
        }

        for (; pair < inputs / 2; pair++)
        {
            for (var lane = 0; lane < Lanes; lane++)
            {
                ((uint*)(lines + ((long)pair * LineBytes)))[lane] = ((uint*)(rows + (lane * RowBytes)))[pair];
            }
        }
    }
}
