using static LlavaCluster.Model.Kernels.Code.InstructionWriter;

namespace LlavaCluster.Model.Kernels.Code;

/// <summary>Writes the functions that turn squares of 16 rows × 16 pairs, so that a vector is a column.</summary>
internal static class SquareCode
{
    /// <summary>Each line of a turned square is multiplied by one pair of x.</summary>
    public static void WriteRow(InstructionWriter w)
    {
        const int Sum = 20;
        w.Load(Register.R8, new(Register.Rdi, 0)); // Rows
        w.Load(Register.R9, new(Register.Rdi, 8)); // Stride
        w.Load(Register.Rsi, new(Register.Rdi, 16)); // X
        w.Load(Register.Rcx, new(Register.Rdi, 24)); // Squares
        w.Load(Register.R10, new(Register.Rdi, 40)); // Ahead
        w.Load(Register.Rdi, new(Register.Rdi, 32)); // Sums
        w.LoadVector(Sum, new(Register.Rdi));
        w.LoadAddress(Register.R11, new(Register.R9, 0, Register.R9, 1)); // 3 strides
        var loop = w.Length;
        for (var line = 0; line < 16; line++)
        {
            w.Prefetch(1, new(Register.R10, line * 64));
        }

        WriteSquare(w);
        for (var pair = 0; pair < 16; pair++)
        {
            w.MultiplyPairs(Sum, pair, new Address(Register.Rsi, pair * 4));
        }

        w.Add(Register.R8, 64);
        w.Add(Register.R10, BrainCode.RowAhead);
        w.Add(Register.Rsi, 64);
        w.Add(Register.Rcx, -1);
        w.JumpBack(Condition.NotZero, loop);
        w.StoreVector(new(Register.Rdi), Sum);
        w.Return();
    }

    /// <summary>Turned squares are stored, one after the other.</summary>
    public static void WritePack(InstructionWriter w)
    {
        w.Move(Register.R8, Register.Rdi); // rows
        w.Move(Register.R9, Register.Rsi); // stride
        w.LoadAddress(Register.R11, new(Register.R9, 0, Register.R9, 1)); // 3 strides
        var loop = w.Length;
        WriteSquare(w);
        for (var line = 0; line < 16; line++)
        {
            w.StoreVector(new(Register.Rcx, line * 64), line);
        }

        w.Add(Register.R8, 64);
        w.Add(Register.Rcx, 16 * 64);
        w.Add(Register.Rdx, -1);
        w.JumpBack(Condition.NotZero, loop);
        w.Return();
    }

    /// <summary>
    /// Reads a square of 16 rows × 16 pairs from r8, rows r9 apart (r11: three times that), and turns it in registers, 4 × 4 words and
    /// then 4 × 4 quarters, so that a line has the rows' pairs of one column. Changes rax.
    /// </summary>
    private static void WriteSquare(InstructionWriter w)
    {
        w.Move(Register.Rax, Register.R8);
        for (var row = 0; row < 16; row++)
        {
            w.LoadVector(row, (row % 4) switch
            {
                0 => new(Register.Rax),
                1 => new(Register.Rax, 0, Register.R9),
                2 => new(Register.Rax, 0, Register.R9, 1),
                _ => new(Register.Rax, 0, Register.R11),
            });
            if (row % 4 == 3)
            {
                w.LoadAddress(Register.Rax, new(Register.Rax, 0, Register.R9, 2));
            }
        }

        for (var row = 0; row < 16; row += 4)
        {
            TurnWords(w, row, row + 1, row + 2, row + 3);
        }

        for (var row = 0; row < 4; row++)
        {
            TurnQuarters(w, row, row + 4, row + 8, row + 12);
        }
    }

    private static void TurnWords(InstructionWriter w, int a, int b, int c, int d)
    {
        w.UnpackLowWords(16, a, b);
        w.UnpackHighWords(17, a, b);
        w.UnpackLowWords(18, c, d);
        w.UnpackHighWords(19, c, d);
        w.UnpackLowHalves(a, 16, 18);
        w.UnpackHighHalves(b, 16, 18);
        w.UnpackLowHalves(c, 17, 19);
        w.UnpackHighHalves(d, 17, 19);
    }

    private static void TurnQuarters(InstructionWriter w, int a, int b, int c, int d)
    {
        w.ShuffleQuarters(16, a, b, 0x44);
        w.ShuffleQuarters(17, a, b, 0xee);
        w.ShuffleQuarters(18, c, d, 0x44);
        w.ShuffleQuarters(19, c, d, 0xee);
        w.ShuffleQuarters(a, 16, 18, 0x88);
        w.ShuffleQuarters(b, 16, 18, 0xdd);
        w.ShuffleQuarters(c, 17, 19, 0x88);
        w.ShuffleQuarters(d, 17, 19, 0xdd);
    }
}
