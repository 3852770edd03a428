using static LlavaCluster.Model.Kernels.Code.InstructionWriter;

namespace LlavaCluster.Model.Kernels.Code;

/// <summary>Writes the function of a tile: some rows of x times some vectors of 16 outputs, all of whose sums stay in registers.</summary>
internal static class TileCode
{
    /// <summary>Bytes that can be fetched for each line of the panel.</summary>
    public const int MostAhead = 256;

    private const int FirstLine = 24, FirstPair = 28, Mask = 31, Unrolled = 4;

    /// <summary>
    /// Rows 0, 1, 2 of x are addressed from rsi, rows 3, 4, 5 from rax; the vectors of a line from r8, 0 to 3 strides away. What is
    /// fetched is spread over the lines: at once it would hold up everything behind it.
    /// </summary>
    /// <param name="w">Takes the code.</param>
    /// <param name="product">How pairs are multiplied.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="vectors">Vectors of a line.</param>
    /// <param name="fresh">The sums begin at 0.</param>
    /// <param name="fetches">Other memory is fetched meanwhile.</param>
    public static void Write(InstructionWriter w, PairProduct product, int rows, int vectors, bool fresh, bool fetches)
    {
        if (product == PairProduct.Widened)
        {
            w.UpperHalves(Mask);
        }

        if (fresh)
        {
            for (var sum = 0; sum < rows * vectors; sum++)
            {
                w.Clear(sum);
            }
        }
        else
        {
            EachSum(w, rows, vectors, w.LoadVector);
        }

        w.Load(Register.Rsi, new(Register.Rdi, 0)); // X
        w.Load(Register.Rdx, new(Register.Rdi, 8)); // XStride
        w.Load(Register.R8, new(Register.Rdi, 16)); // Panel
        w.Load(Register.R9, new(Register.Rdi, 24)); // VectorStride
        w.Load(Register.R11, new(Register.Rdi, 32)); // LineStride
        w.Load(Register.Rcx, new(Register.Rdi, 40)); // Pairs
        w.LoadAddress(Register.R10, new(Register.R9, 0, Register.R9, 1));
        w.LoadAddress(Register.Rax, new(Register.Rsi, 0, Register.Rdx, 1));
        w.Add(Register.Rax, Register.Rdx);
        if (fetches)
        {
            w.Push(Register.Rbx);
            w.Push(Register.Rdi);
            w.Load(Register.Rbx, new(Register.Rdi, 64)); // Ahead
            w.Load(Register.Rdi, new(Register.Rdi, 72)); // AheadStep
        }

        w.Compare(Register.Rcx, Unrolled);
        var few = w.JumpAhead(Condition.Less);
        var loop = w.Length;
        WritePairs(w, product, rows, vectors, Unrolled, fetches);
        w.Compare(Register.Rcx, Unrolled);
        w.JumpBack(Condition.NotLess, loop);
        w.Land(few);
        w.Compare(Register.Rcx, 1);
        var done = w.JumpAhead(Condition.Less);
        var rest = w.Length;
        WritePairs(w, product, rows, vectors, 1, fetches);
        w.Compare(Register.Rcx, 1);
        w.JumpBack(Condition.NotLess, rest);
        w.Land(done);
        if (fetches)
        {
            w.Pop(Register.Rdi);
            w.Pop(Register.Rbx);
        }

        EachSum(w, rows, vectors, (sum, address) => w.StoreVector(address, sum));
        w.Return();
    }

    private static void WritePairs(InstructionWriter w, PairProduct product, int rows, int vectors, int pairs, bool fetches)
    {
        var (parts, xBytes) = product == PairProduct.Widened ? (2, sizeof(float)) : (1, 2 * sizeof(ushort));
        for (var part = 0; part < pairs * parts; part++)
        {
            for (var vector = 0; vector < vectors; vector++)
            {
                WriteLoad(w, product, part % parts, FirstLine + vector, vector switch
                {
                    0 => new(Register.R8),
                    1 => new(Register.R8, 0, Register.R9),
                    2 => new(Register.R8, 0, Register.R9, 1),
                    _ => new(Register.R8, 0, Register.R10),
                });
            }

            if (part % parts == parts - 1)
            {
                WriteNextLine(w, fetches);
            }

            for (var row = 0; row < rows; row++)
            {
                var start = row < 3 ? Register.Rsi : Register.Rax;
                Address x = (row % 3) switch
                {
                    0 => new(start, part * xBytes),
                    1 => new(start, part * xBytes, Register.Rdx),
                    _ => new(start, part * xBytes, Register.Rdx, 1),
                };
                var register = FirstPair + (row % (product == PairProduct.Widened ? 3 : 4));
                w.Broadcast(register, x);
                for (var vector = 0; vector < vectors; vector++)
                {
                    if (product == PairProduct.Widened)
                    {
                        w.MultiplyAdd((row * vectors) + vector, register, FirstLine + vector);
                    }
                    else
                    {
                        w.MultiplyPairs((row * vectors) + vector, register, FirstLine + vector);
                    }
                }
            }
        }

        w.Add(Register.Rsi, pairs * parts * xBytes);
        w.Add(Register.Rax, pairs * parts * xBytes);
        w.Add(Register.Rcx, -pairs);
    }

    /// <summary>A vector of the line; widened, of each pair the second numbers first, which stand in the upper halves of words.</summary>
    private static void WriteLoad(InstructionWriter w, PairProduct product, int part, int register, Address line)
    {
        if (product == PairProduct.Instruction)
        {
            w.LoadVector(register, line);
        }
        else if (part == 0)
        {
            w.LoadMasked(register, Mask, line);
        }
        else
        {
            w.LoadShiftedLeft(register, line, 16);
        }
    }

    private static void WriteNextLine(InstructionWriter w, bool fetches)
    {
        w.Add(Register.R8, Register.R11);
        if (fetches)
        {
            for (var line = 0; line < MostAhead; line += 64)
            {
                w.Prefetch(2, new(Register.Rbx, line));
            }

            w.Add(Register.Rbx, Register.Rdi);
        }
    }

    /// <summary>Does something with each register of sums and its place in memory. Changes rax and rdx.</summary>
    private static void EachSum(InstructionWriter w, int rows, int vectors, Action<int, Address> write)
    {
        w.Load(Register.Rax, new(Register.Rdi, 48)); // Sums
        w.Load(Register.Rdx, new(Register.Rdi, 56)); // SumStride
        for (var row = 0; row < rows; row++)
        {
            for (var vector = 0; vector < vectors; vector++)
            {
                write((row * vectors) + vector, new(Register.Rax, vector * 64));
            }

            w.Add(Register.Rax, Register.Rdx);
        }
    }
}
