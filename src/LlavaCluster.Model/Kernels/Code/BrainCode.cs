using System.Runtime.Intrinsics.X86;
using static LlavaCluster.Model.Kernels.Code.InstructionWriter;

namespace LlavaCluster.Model.Kernels.Code;

/// <summary>
/// Products of bfloat16 pairs (vdpbf16ps), for which .NET 10 has no intrinsic: written as machine code at start. Each function takes a
/// pointer to its arguments and follows the System V convention.
/// </summary>
internal static unsafe class BrainCode
{
    /// <summary>Bytes that are fetched for each square of 16 rows: as many as it has, one line after the other.</summary>
    public const int RowAhead = 16 * 64;

    private static readonly Lazy<Functions?> Placed = new(Place);

    /// <summary>The processor has the instruction, and the system lets us run the code.</summary>
    public static bool IsSupported => Placed.Value is not null;

    /// <summary>The tiles' functions.</summary>
    public static TileFunctions Tiles => Placed.Value!.Tiles;

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

    private static Functions? Place()
    {
        if (!HasInstruction)
        {
            return null;
        }

        var writer = new InstructionWriter();
        var starts = TileFunctions.Write(writer, PairProduct.Instruction);
        var row = writer.Length;
        SquareCode.WriteRow(writer);
        var narrow = writer.Length;
        WriteNarrow(writer);
        var pack = writer.Length;
        SquareCode.WritePack(writer);
        var code = (nint)ExecutableMemory.TryPlace(writer.ToArray());
        return code == 0 ? null : new Functions(new TileFunctions(code, starts), code + row, code + narrow, code + pack);
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

    private sealed record Functions(TileFunctions Tiles, nint Row, nint Narrow, nint Pack);
}
