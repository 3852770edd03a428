using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlavaCluster.Model.Kernels;

namespace LlavaCluster.Model.Quantised;

/// <summary>
/// Codes as lines of float32 for <see cref="PanelKernel.MultiplyLines"/>: of int4 the weights themselves, of int8 the bare codes, whose
/// scales are applied to the sums.
/// </summary>
internal static unsafe class CodePanel
{
    /// <summary>Lines that may be written past those asked for.</summary>
    public const int Spare = 8;

    /// <summary>Writes some inputs of some outputs.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="output">The first output; a multiple of the width.</param>
    /// <param name="start">The first input; a multiple of <see cref="CodeMatrix.Stretch"/>.</param>
    /// <param name="count">How many inputs; more only at the end of the row, where they are 0.</param>
    /// <param name="paired">The second of each pair of inputs comes first, as products of 16-bit numbers take them.</param>
    /// <param name="panel">[count, width], and room for <see cref="Spare"/> lines more.</param>
    /// <param name="width">Outputs: 1, 8 or 16.</param>
    public static void Unpack(CodeMatrix matrix, int output, int start, int count, bool paired, float* panel, int width)
    {
        var tile = matrix.Memory + (output / CodeMatrix.TileOutputs * matrix.TileBytes);
        var lane = output % CodeMatrix.TileOutputs;
        if (matrix.Form == WeightForm.Int8)
        {
            var line = tile + ((long)start * CodeMatrix.TileOutputs) + lane;
            for (var i = 0; i < count; i++, line += CodeMatrix.TileOutputs)
            {
                Bytes((sbyte*)line, panel + ((paired ? i ^ 1 : i) * width), width);
            }

            return;
        }

        for (var done = 0; done < count; done += 8)
        {
            var input = start + done;
            var at = tile + (input / CodeMatrix.Stretch * (long)CodeMatrix.TileStretch) + (lane / CodeMatrix.Lanes * CodeMatrix.PanelStretch);
            var scales = (ushort*)at + (input % CodeMatrix.Stretch / RowCodes.Group * CodeMatrix.Lanes) + (lane % CodeMatrix.Lanes);
            var words = (uint*)(at + 64) + (input % CodeMatrix.Stretch / 8 * CodeMatrix.Lanes) + (lane % CodeMatrix.Lanes);
            Words(words, scales, paired ? 1 : 0, panel + ((long)done * width), width);
        }
    }

    private static void Bytes(sbyte* codes, float* line, int width)
    {
        switch (width)
        {
            case 16:
                var wide = Vector256.WidenLower(Vector256.Create(Vector128.Load(codes), default)); // 16 × int16
                var (low, high) = Vector256.Widen(wide);
                Vector512.ConvertToSingle(Vector512.Create(low, high)).Store(line);
                break;
            case 8:
                var half = Vector128.WidenLower(Vector128.CreateScalar(*(long*)codes).AsSByte()); // 8 × int16
                var (first, last) = Vector128.Widen(half);
                Vector256.ConvertToSingle(Vector256.Create(first, last)).Store(line);
                break;
            default:
                *line = *codes;
                break;
        }
    }

    private static void Words(uint* words, ushort* scales, int swap, float* lines, int width)
    {
        switch (width)
        {
            case 16:
                var (word, scale) = (Vector512.Load((int*)words), Scales16(scales));
                for (var i = 0; i < 8; i++)
                {
                    (Vector512.ConvertToSingle((word << (28 - (4 * i))) >> 28) * scale).Store(lines + ((i ^ swap) * 16));
                }

                break;
            case 8:
                var (half, halfScale) = (Vector256.Load((int*)words), Scales8(scales));
                for (var i = 0; i < 8; i++)
                {
                    (Vector256.ConvertToSingle((half << (28 - (4 * i))) >> 28) * halfScale).Store(lines + ((i ^ swap) * 8));
                }

                break;
            default:
                for (var i = 0; i < 8; i++)
                {
                    lines[i ^ swap] = ((int)(*words << (28 - (4 * i))) >> 28) * Numbers.Widen(NumberForm.BFloat16, *scales);
                }

                break;
        }
    }

    /// <summary>16 scales.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scales16(ushort* scales)
    {
        var (low, high) = Vector256.Widen(Vector256.Load(scales));
        return (Vector512.Create(low, high) << 16).AsSingle();
    }

    private static Vector256<float> Scales8(ushort* scales)
    {
        var (low, high) = Vector128.Widen(Vector128.Load(scales));
        return (Vector256.Create(low, high) << 16).AsSingle();
    }
}
