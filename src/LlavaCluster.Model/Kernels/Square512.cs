using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaCluster.Model.Kernels;

/// <summary>16 rows of 16 words in registers, and the turn of rows into columns: 4 × 4 words, then 4 × 4 quarters.</summary>
internal unsafe ref struct Square512
{
    public Vector512<uint> R0;
    public Vector512<uint> R1;
    public Vector512<uint> R2;
    public Vector512<uint> R3;
    public Vector512<uint> R4;
    public Vector512<uint> R5;
    public Vector512<uint> R6;
    public Vector512<uint> R7;
    public Vector512<uint> R8;
    public Vector512<uint> R9;
    public Vector512<uint> R10;
    public Vector512<uint> R11;
    public Vector512<uint> R12;
    public Vector512<uint> R13;
    public Vector512<uint> R14;
    public Vector512<uint> R15;

    /// <summary>Reads 16 rows of 64 bytes.</summary>
    /// <param name="rows">First byte of the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Square512 Load(byte* rows, long stride)
    {
        Square512 square;
        square.R0 = Vector512.Load((uint*)(rows + (0 * stride)));
        square.R1 = Vector512.Load((uint*)(rows + (1 * stride)));
        square.R2 = Vector512.Load((uint*)(rows + (2 * stride)));
        square.R3 = Vector512.Load((uint*)(rows + (3 * stride)));
        square.R4 = Vector512.Load((uint*)(rows + (4 * stride)));
        square.R5 = Vector512.Load((uint*)(rows + (5 * stride)));
        square.R6 = Vector512.Load((uint*)(rows + (6 * stride)));
        square.R7 = Vector512.Load((uint*)(rows + (7 * stride)));
        square.R8 = Vector512.Load((uint*)(rows + (8 * stride)));
        square.R9 = Vector512.Load((uint*)(rows + (9 * stride)));
        square.R10 = Vector512.Load((uint*)(rows + (10 * stride)));
        square.R11 = Vector512.Load((uint*)(rows + (11 * stride)));
        square.R12 = Vector512.Load((uint*)(rows + (12 * stride)));
        square.R13 = Vector512.Load((uint*)(rows + (13 * stride)));
        square.R14 = Vector512.Load((uint*)(rows + (14 * stride)));
        square.R15 = Vector512.Load((uint*)(rows + (15 * stride)));
        return square;
    }

    /// <summary>Word w of row r becomes word r of row w.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Turn()
    {
        Words(ref R0, ref R1, ref R2, ref R3);
        Words(ref R4, ref R5, ref R6, ref R7);
        Words(ref R8, ref R9, ref R10, ref R11);
        Words(ref R12, ref R13, ref R14, ref R15);
        Quarters(ref R0, ref R4, ref R8, ref R12);
        Quarters(ref R1, ref R5, ref R9, ref R13);
        Quarters(ref R2, ref R6, ref R10, ref R14);
        Quarters(ref R3, ref R7, ref R11, ref R15);
    }

    /// <summary>Stores 16 lines.</summary>
    /// <param name="lines">The first.</param>
    /// <param name="stride">Bytes from line to line.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(byte* lines, long stride)
    {
        R0.Store((uint*)(lines + (0 * stride)));
        R1.Store((uint*)(lines + (1 * stride)));
        R2.Store((uint*)(lines + (2 * stride)));
        R3.Store((uint*)(lines + (3 * stride)));
        R4.Store((uint*)(lines + (4 * stride)));
        R5.Store((uint*)(lines + (5 * stride)));
        R6.Store((uint*)(lines + (6 * stride)));
        R7.Store((uint*)(lines + (7 * stride)));
        R8.Store((uint*)(lines + (8 * stride)));
        R9.Store((uint*)(lines + (9 * stride)));
        R10.Store((uint*)(lines + (10 * stride)));
        R11.Store((uint*)(lines + (11 * stride)));
        R12.Store((uint*)(lines + (12 * stride)));
        R13.Store((uint*)(lines + (13 * stride)));
        R14.Store((uint*)(lines + (14 * stride)));
        R15.Store((uint*)(lines + (15 * stride)));
    }

    /// <summary>Stores 16 lines of float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void StoreWords(float* panel)
    {
        R0.AsSingle().Store(panel + 0);
        R1.AsSingle().Store(panel + 16);
        R2.AsSingle().Store(panel + 32);
        R3.AsSingle().Store(panel + 48);
        R4.AsSingle().Store(panel + 64);
        R5.AsSingle().Store(panel + 80);
        R6.AsSingle().Store(panel + 96);
        R7.AsSingle().Store(panel + 112);
        R8.AsSingle().Store(panel + 128);
        R9.AsSingle().Store(panel + 144);
        R10.AsSingle().Store(panel + 160);
        R11.AsSingle().Store(panel + 176);
        R12.AsSingle().Store(panel + 192);
        R13.AsSingle().Store(panel + 208);
        R14.AsSingle().Store(panel + 224);
        R15.AsSingle().Store(panel + 240);
    }

    /// <summary>Stores 32 lines: of each word the second bfloat16, then the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void StoreBrainPairs(float* panel)
    {
        BrainPair(R0, panel + 0);
        BrainPair(R1, panel + 32);
        BrainPair(R2, panel + 64);
        BrainPair(R3, panel + 96);
        BrainPair(R4, panel + 128);
        BrainPair(R5, panel + 160);
        BrainPair(R6, panel + 192);
        BrainPair(R7, panel + 224);
        BrainPair(R8, panel + 256);
        BrainPair(R9, panel + 288);
        BrainPair(R10, panel + 320);
        BrainPair(R11, panel + 352);
        BrainPair(R12, panel + 384);
        BrainPair(R13, panel + 416);
        BrainPair(R14, panel + 448);
        BrainPair(R15, panel + 480);
    }

    /// <summary>Stores 32 lines: of each word the second half, then the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void StoreHalfPairs(float* panel)
    {
        HalfPair(R0, panel + 0);
        HalfPair(R1, panel + 32);
        HalfPair(R2, panel + 64);
        HalfPair(R3, panel + 96);
        HalfPair(R4, panel + 128);
        HalfPair(R5, panel + 160);
        HalfPair(R6, panel + 192);
        HalfPair(R7, panel + 224);
        HalfPair(R8, panel + 256);
        HalfPair(R9, panel + 288);
        HalfPair(R10, panel + 320);
        HalfPair(R11, panel + 352);
        HalfPair(R12, panel + 384);
        HalfPair(R13, panel + 416);
        HalfPair(R14, panel + 448);
        HalfPair(R15, panel + 480);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void BrainPair(Vector512<uint> words, float* panel)
    {
        (words & Vector512.Create(0xffff0000u)).AsSingle().Store(panel);
        (words << 16).AsSingle().Store(panel + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void HalfPair(Vector512<uint> words, float* panel)
    {
        Numbers.WidenHalf(words >> 16).Store(panel);
        Numbers.WidenHalf(words & Vector512.Create(0xffffu)).Store(panel + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Words(ref Vector512<uint> a, ref Vector512<uint> b, ref Vector512<uint> c, ref Vector512<uint> d)
    {
        var (ab, abHigh) = (Avx512F.UnpackLow(a, b).AsUInt64(), Avx512F.UnpackHigh(a, b).AsUInt64());
        var (cd, cdHigh) = (Avx512F.UnpackLow(c, d).AsUInt64(), Avx512F.UnpackHigh(c, d).AsUInt64());
        (a, b) = (Avx512F.UnpackLow(ab, cd).AsUInt32(), Avx512F.UnpackHigh(ab, cd).AsUInt32());
        (c, d) = (Avx512F.UnpackLow(abHigh, cdHigh).AsUInt32(), Avx512F.UnpackHigh(abHigh, cdHigh).AsUInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarters(ref Vector512<uint> a, ref Vector512<uint> b, ref Vector512<uint> c, ref Vector512<uint> d)
    {
        var (ab, abHigh) = (Avx512F.Shuffle4x128(a, b, 0x44), Avx512F.Shuffle4x128(a, b, 0xee));
        var (cd, cdHigh) = (Avx512F.Shuffle4x128(c, d, 0x44), Avx512F.Shuffle4x128(c, d, 0xee));
        (a, b) = (Avx512F.Shuffle4x128(ab, cd, 0x88), Avx512F.Shuffle4x128(ab, cd, 0xdd));
        (c, d) = (Avx512F.Shuffle4x128(abHigh, cdHigh, 0x88), Avx512F.Shuffle4x128(abHigh, cdHigh, 0xdd));
    }
}
