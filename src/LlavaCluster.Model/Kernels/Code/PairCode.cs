using System.Runtime.Intrinsics.X86;

namespace LlavaCluster.Model.Kernels.Code;

/// <summary>
/// Products of bfloat16 pairs for processors with AVX-512 that lack an instruction for them: 24 sums, four vectors of weights and one of x
/// in registers, which a compiler would have to be trusted with. Written as machine code at start.
/// </summary>
internal static class PairCode
{
    private static readonly Lazy<TileFunctions?> Placed = new(Place);

    /// <summary>The processor has AVX-512, and the system lets us run the code.</summary>
    public static bool IsSupported => Placed.Value is not null;

    /// <summary>The tiles' functions.</summary>
    public static TileFunctions Tiles => Placed.Value!;

    private static unsafe TileFunctions? Place()
    {
        if (!Avx512BW.IsSupported)
        {
            return null;
        }

        var writer = new InstructionWriter();
        var starts = TileFunctions.Write(writer, PairProduct.Widened);
        var code = (nint)ExecutableMemory.TryPlace(writer.ToArray());
        return code == 0 ? null : new TileFunctions(code, starts);
    }
}
