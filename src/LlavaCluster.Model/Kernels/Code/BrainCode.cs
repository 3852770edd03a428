using System.Runtime.Intrinsics.X86;
using static LlavaCluster.Model.Kernels.Code.InstructionWriter;

namespace LlavaCluster.Model.Kernels.Code;

/// <summary>
/// Products of bfloat16 pairs (vdpbf16ps), for which .NET 10 has no intrinsic: written as machine code at start. Each function takes a
/// pointer to its arguments and follows the System V convention.
/// </summary>
internal static unsafe class BrainCode
{
    /// <summary>Rows of x of the largest tile.</summary>
    public const int MostRows = 6;

    /// <summary>Vectors of 16 outputs of the widest tile: 6 × 4 sums, a line and two pairs of x fill the 32 registers.</summary>
    public const int MostVectors = 4;

    /// <summary>Bytes that are fetched for each square of 16 rows: as many as it has, one line after the other.</summary>
    public const int RowAhead = 16 * 64;

    private static readonly Lazy<Functions?> Placed = new(Place);

    /// <summary>The processor has the instruction, and the system lets us run the code.</summary>
    public static bool IsSupported => Placed.Value is not null;

    /// <summary>The tile's function: sums = x · panel, or sums += x · panel in one chain with what they are.</summary>
    /// <param name="rows">1 … 6</param>
    /// <param name="vectors">1 … 4</param>
    /// <param name="fresh">The sums begin at 0.</param>
    /// <param name="fetches">Other memory is fetched meanwhile.</param>
    public static delegate* unmanaged[SuppressGCTransition]<TileArguments*, void> Tile(int rows, int vectors, bool fresh, bool fetches)
        => (delegate* unmanaged[SuppressGCTransition]<TileArguments*, void>)Placed.Value!.Tiles[TileNumber(rows, vectors, fresh, fetches)];

    /// <summary>The function of one row of x times 16 rows as they lie.</summary>
    public static delegate* unmanaged[SuppressGCTransition]<RowArguments*, void> Row()
        => (delegate* unmanaged[SuppressGCTransition]<RowArguments*, void>)Placed.Value!.Row;

    /// <summary>The function that rounds float32 to bfloat16: source, target, and how many, a multiple of 16, at least 16.</summary>
    public static delegate* unmanaged[SuppressGCTransition]<float*, byte*, long, void> Narrow()
        => (delegate* unmanaged[SuppressGCTransition]<float*, byte*, long, void>)Placed.Value!.Narrow;

    /// <summary>The function that turns 16 rows into lines of pairs: rows, bytes from row to row, squares of 16 pairs, at least 1, and panel.</summary>
    public static delegate* unmanaged[SuppressGCTransition]<byte*, long, long, byte*, void> Pack()
        => (delegate* unmanaged[SuppressGCTransition]<byte*, long, long, byte*, void>)Placed.Value!.Pack;

    private static bool HasInstruction => Avx512BW.IsSupported
        && X86Base.CpuId(0, 0).Eax >= 7
        && X86Base.CpuId(7, 0).Eax >= 1
        && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0;

    private static int TileNumber(int rows, int vectors, bool fresh, bool fetches)
        => ((((rows - 1) * MostVectors) + vectors - 1) * 4) + (fresh ? 1 : 0) + (fetches ? 2 : 0);

    private static Functions? Place()
    {
        if (!HasInstruction)
        {
            return null;
        }

        var writer = new InstructionWriter();
        var starts = new int[MostRows * MostVectors * 4];
        for (var rows = 1; rows <= MostRows; rows++)
        {
            for (var vectors = 1; vectors <= MostVectors; vectors++)
            {
                foreach (var (fresh, fetches) in new[] { (false, false), (true, false), (false, true), (true, true) })
                {
                    starts[TileNumber(rows, vectors, fresh, fetches)] = writer.Length;
                    TileCode.Write(writer, rows, vectors, fresh, fetches);
                }
            }
        }

        var row = writer.Length;
        SquareCode.WriteRow(writer);
        var narrow = writer.Length;
        WriteNarrow(writer);
        var pack = writer.Length;
        SquareCode.WritePack(writer);
        var code = (nint)ExecutableMemory.TryPlace(writer.ToArray());
        return code == 0 ? null : new Functions([.. starts.Select(start => code + start)], code + row, code + narrow, code + pack);
    }

    private static void WriteNarrow(InstructionWriter w)
    {
        var loop = w.Length;
        w.LoadNarrowed(0, new(Register.Rdi));
        w.StoreHalf(new(Register.Rsi), 0);
        w.Add(Register.Rdi, 64);
        w.Add(Register.Rsi, 32);
        w.Add(Register.Rdx, -16);
        w.JumpBack(Condition.NotZero, loop);
        w.Return();
    }

    private sealed record Functions(nint[] Tiles, nint Row, nint Narrow, nint Pack);
}
