using System.Runtime.InteropServices;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Weights;

namespace LlavaCluster.Model.Quantised;

/// <summary>
/// A matrix as codes in the order in which products take them: tiles of 64 outputs, which are four panels of 16. A worker reads one
/// stream of memory, and a lane is an output.
/// <code>
/// int8   tile   lines of 64 bytes, one for each input: 64 codes
///        scales [outputs] float32, apart
/// int4   tile   stretches of 64 inputs: for each panel 64 bytes of scales, [2 groups, 16 outputs] bfloat16,
///               then 8 lines of 16 words; a word is 8 inputs of its output, the first in the lowest 4 bits
/// </code>
/// Outputs past the last and inputs past the last have code 0 and scale 0.
/// </summary>
internal sealed unsafe class CodeMatrix : IDisposable
{
    /// <summary>Outputs of a panel.</summary>
    public const int Lanes = 16;

    /// <summary>Outputs of a tile.</summary>
    public const int TileOutputs = 64;

    /// <summary>Inputs of a stretch of int4.</summary>
    public const int Stretch = 64;

    /// <summary>Bytes of a panel in a stretch of int4: scales and 8 lines.</summary>
    public const int PanelStretch = 9 * 64;

    /// <summary>Bytes of a tile in a stretch of int4.</summary>
    public const int TileStretch = 4 * PanelStretch;

    private readonly nuint _bytes;

    /// <summary>Reserves memory; all weights are 0.</summary>
    public CodeMatrix(WeightForm form, int outputs, int inputs)
    {
        (Form, Outputs, Inputs) = (form, outputs, inputs);
        TileBytes = form == WeightForm.Int8 ? (inputs + (inputs % 2)) * (long)TileOutputs : (inputs + Stretch - 1) / Stretch * (long)TileStretch;
        var padded = Tiles * TileOutputs;
        _bytes = (nuint)((Tiles * TileBytes) + (form == WeightForm.Int8 ? padded * sizeof(float) : 0));
        Memory = (byte*)NativeMemory.AlignedAlloc(_bytes, 2 << 20);
        HugePages.Advise(Memory, (long)_bytes);
        NativeMemory.Clear(Memory, _bytes);
        Scales = form == WeightForm.Int8 ? (float*)(Memory + (Tiles * TileBytes)) : null;
        GC.AddMemoryPressure((long)_bytes);
    }

    /// <summary>Int8 or int4.</summary>
    public WeightForm Form { get; }

    /// <summary>Rows of the matrix.</summary>
    public int Outputs { get; }

    /// <summary>Columns of the matrix.</summary>
    public int Inputs { get; }

    /// <summary>Tiles, the last one perhaps not full.</summary>
    public int Tiles => (Outputs + TileOutputs - 1) / TileOutputs;

    /// <summary>Bytes of a tile.</summary>
    public long TileBytes { get; }

    /// <summary>Bytes in all.</summary>
    public long Bytes => (long)_bytes;

    /// <summary>The first tile.</summary>
    public byte* Memory { get; private set; }

    /// <summary>Int8: a scale for each output, up to the end of the last tile. Int4: null.</summary>
    public float* Scales { get; private set; }

    /// <summary>Takes the rows of a tensor: they become the outputs from <paramref name="first"/> on.</summary>
    public void Place(RowCodes rows, int first)
    {
        if (rows.Form != Form || rows.Inputs != Inputs || first < 0 || first + rows.Rows > Outputs)
        {
            throw new ArgumentException(
                $"{rows.Rows} rows of {rows.Inputs} inputs in {rows.Form} do not go to row {first} of [{Outputs}, {Inputs}] in {Form}.", nameof(rows));
        }

        Parallel.For(0, rows.Rows, row =>
        {
            var codes = rows.Codes + (row * RowCodes.CodeRow(Form, Inputs));
            var scales = rows.Scales + (row * RowCodes.ScaleRow(Form, Inputs));
            if (Form == WeightForm.Int8)
            {
                Scales[first + row] = *(float*)scales;
                PlaceBytes(codes, first + row);
            }
            else
            {
                PlaceWords((uint*)codes, (ushort*)scales, first + row);
            }
        });
    }

    /// <summary>Code times scale, without lanes: for fallbacks and tests.</summary>
    public float this[int output, int input]
    {
        get
        {
            var tile = Memory + (output / TileOutputs * TileBytes);
            var lane = output % TileOutputs;
            if (Form == WeightForm.Int8)
            {
                return (sbyte)tile[(input * (long)TileOutputs) + lane] * Scales[output];
            }

            var panel = tile + (input / Stretch * (long)TileStretch) + (lane / Lanes * PanelStretch);
            var word = ((uint*)(panel + 64))[(input % Stretch / 8 * Lanes) + (lane % Lanes)];
            var scale = ((ushort*)panel)[(input % Stretch / RowCodes.Group * Lanes) + (lane % Lanes)];
            return ((int)(word << (28 - (input % 8 * 4))) >> 28) * Numbers.Widen(NumberForm.BFloat16, scale);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Memory != null)
        {
            NativeMemory.AlignedFree(Memory);
            GC.RemoveMemoryPressure((long)_bytes);
            Memory = null;
            Scales = null;
        }
    }

    private void PlaceBytes(byte* codes, int output)
    {
        var target = Memory + (output / TileOutputs * TileBytes) + (output % TileOutputs);
        for (var input = 0; input < Inputs; input++, target += TileOutputs)
        {
            *target = codes[input];
        }
    }

    private void PlaceWords(uint* codes, ushort* scales, int output)
    {
        var (lane, groups) = (output % Lanes, RowCodes.Groups(Inputs));
        var panel = Memory + (output / TileOutputs * TileBytes) + (output % TileOutputs / Lanes * PanelStretch);
        for (var group = 0; group < groups; group++)
        {
            var at = panel + (group / 2 * (long)TileStretch);
            var half = group % 2;
            ((ushort*)at)[(half * Lanes) + lane] = scales[group];
            for (var word = 0; word < 4; word++)
            {
                ((uint*)(at + 64))[((((half * 4) + word) * Lanes) + lane)] = codes[(group * 4) + word];
            }
        }
    }
}
