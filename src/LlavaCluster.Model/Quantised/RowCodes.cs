using System.Runtime.InteropServices;
using LlavaCluster.Model.Kernels;

namespace LlavaCluster.Model.Quantised;

/// <summary>
/// One tensor as codes, row by row: the form in which it is made, cut for ranks, and kept on disk.
/// <code>
/// int8   codes [rows, inputs]             one byte each
///        scales [rows]                    float32
/// int4   codes [rows, groups × 16 bytes]  two's complement, input 2i in the low half of byte i; past the last input 0
///        scales [rows, groups]            bfloat16 of 5 significant bits: code × scale is a bfloat16 then, exactly
/// </code>
/// </summary>
internal sealed unsafe class RowCodes : IDisposable
{
    /// <summary>Inputs of a scale of int4.</summary>
    public const int Group = 32;

    /// <summary>Reserves memory, unfilled.</summary>
    public RowCodes(WeightForm form, int rows, int inputs)
    {
        if (form == WeightForm.Full)
        {
            throw new ArgumentException("Weights in full have no codes.", nameof(form));
        }

        (Form, Rows, Inputs) = (form, rows, inputs);
        Codes = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(64, CodeBytes(form, rows, inputs)), 64);
        Scales = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(64, ScaleBytes(form, rows, inputs)), 64);
    }

    /// <summary>Int8 or int4.</summary>
    public WeightForm Form { get; }

    /// <summary>Outputs.</summary>
    public int Rows { get; }

    /// <summary>Inputs.</summary>
    public int Inputs { get; }

    /// <summary>The codes.</summary>
    public byte* Codes { get; private set; }

    /// <summary>The scales.</summary>
    public byte* Scales { get; private set; }

    /// <summary>Groups of a row of so many inputs.</summary>
    public static int Groups(int inputs) => (inputs + Group - 1) / Group;

    /// <summary>Bytes of a row's codes.</summary>
    public static long CodeRow(WeightForm form, int inputs) => form == WeightForm.Int8 ? inputs : Groups(inputs) * (Group / 2L);

    /// <summary>Bytes of a row's scales.</summary>
    public static long ScaleRow(WeightForm form, int inputs) => form == WeightForm.Int8 ? sizeof(float) : Groups(inputs) * sizeof(ushort);

    /// <summary>Bytes of all codes.</summary>
    public static long CodeBytes(WeightForm form, long rows, int inputs) => rows * CodeRow(form, inputs);

    /// <summary>Bytes of all scales.</summary>
    public static long ScaleBytes(WeightForm form, long rows, int inputs) => rows * ScaleRow(form, inputs);

    /// <summary>The codes of a matrix.</summary>
    /// <param name="form">Int8 or int4.</param>
    /// <param name="numbers">How its numbers are stored.</param>
    /// <param name="matrix">[rows, inputs]</param>
    /// <param name="rows">Outputs.</param>
    /// <param name="inputs">Inputs.</param>
    public static RowCodes Of(WeightForm form, NumberForm numbers, byte* matrix, int rows, int inputs)
    {
        var codes = new RowCodes(form, rows, inputs);
        var (stride, source) = ((long)inputs * Numbers.Size(numbers), (nint)matrix);
        Parallel.For(0, rows, () => new Scratch(), (row, _, scratch) =>
        {
            // A whole number of groups, zeros past the end.
            var line = scratch.Room(Groups(inputs) * Group);
            new Span<float>(line + inputs, (Groups(inputs) * Group) - inputs).Clear();
            Numbers.Widen(numbers, (byte*)source + (row * stride), line, inputs);
            var target = codes.Codes + (row * CodeRow(form, inputs));
            var scales = codes.Scales + (row * ScaleRow(form, inputs));
            if (form == WeightForm.Int8)
            {
                *(float*)scales = Quantiser.Row(line, inputs, (sbyte*)target);
            }
            else
            {
                for (var group = 0; group < Groups(inputs); group++)
                {
                    ((ushort*)scales)[group] = Quantiser.Group(line + (group * Group), target + (group * (Group / 2)));
                }
            }

            return scratch;
        }, scratch => scratch.Dispose());
        return codes;
    }

    /// <summary>The codes of some inputs of int8, under the scales of the whole rows.</summary>
    public RowCodes Columns(int first, int count)
    {
        if (Form != WeightForm.Int8)
        {
            throw new InvalidOperationException($"Columns are cut from codes of int8; these are {Form}.");
        }

        var part = new RowCodes(Form, Rows, count);
        for (var row = 0; row < Rows; row++)
        {
            Buffer.MemoryCopy(Codes + ((long)row * Inputs) + first, part.Codes + ((long)row * count), count, count);
        }

        var bytes = ScaleBytes(Form, Rows, Inputs);
        Buffer.MemoryCopy(Scales, part.Scales, bytes, bytes);
        return part;
    }

    /// <summary>A weight as its code says.</summary>
    public float this[int row, int input]
    {
        get
        {
            var codes = Codes + (row * CodeRow(Form, Inputs));
            var scales = Scales + (row * ScaleRow(Form, Inputs));
            if (Form == WeightForm.Int8)
            {
                return (sbyte)codes[input] * *(float*)scales;
            }

            var code = (sbyte)(codes[input / 2] << (input % 2 == 0 ? 4 : 0)) >> 4;
            return code * Numbers.Widen(NumberForm.BFloat16, ((ushort*)scales)[input / Group]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Codes);
        NativeMemory.AlignedFree(Scales);
        Codes = null;
        Scales = null;
    }
}
