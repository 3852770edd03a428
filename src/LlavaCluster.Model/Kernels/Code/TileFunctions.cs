namespace LlavaCluster.Model.Kernels.Code;

/// <summary>The functions of all tiles, placed in memory. Each takes a pointer to its arguments and follows the System V convention.</summary>
/// <param name="code">Where the code lies that <see cref="Write"/> has written.</param>
/// <param name="starts">What that returned.</param>
internal sealed unsafe class TileFunctions(nint code, int[] starts)
{
    /// <summary>Rows of x of the largest tile.</summary>
    public const int MostRows = 6;

    /// <summary>Vectors of 16 outputs of the widest tile: 6 × 4 sums, a line and two pairs of x fill the 32 registers.</summary>
    public const int MostVectors = 4;

    /// <summary>Writes them all.</summary>
    /// <returns>Where each begins.</returns>
    public static int[] Write(InstructionWriter writer, PairProduct product)
    {
        var starts = new int[MostRows * MostVectors * 4];
        for (var rows = 1; rows <= MostRows; rows++)
        {
            for (var vectors = 1; vectors <= MostVectors; vectors++)
            {
                foreach (var (fresh, fetches) in new[] { (false, false), (true, false), (false, true), (true, true) })
                {
                    starts[Number(rows, vectors, fresh, fetches)] = writer.Length;
                    TileCode.Write(writer, product, rows, vectors, fresh, fetches);
                }
            }
        }

        return starts;
    }

    /// <summary>The tile's function: sums = x · panel, or sums += x · panel in one chain with what they are.</summary>
    /// <param name="rows">1 … 6</param>
    /// <param name="vectors">1 … 4</param>
    /// <param name="fresh">The sums begin at 0.</param>
    /// <param name="fetches">Other memory is fetched meanwhile.</param>
    public delegate* unmanaged[SuppressGCTransition]<TileArguments*, void> Of(int rows, int vectors, bool fresh, bool fetches)
        => (delegate* unmanaged[SuppressGCTransition]<TileArguments*, void>)(code + starts[Number(rows, vectors, fresh, fetches)]);

    private static int Number(int rows, int vectors, bool fresh, bool fetches)
        => ((((rows - 1) * MostVectors) + vectors - 1) * 4) + (fresh ? 1 : 0) + (fetches ? 2 : 0);
}
