using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LlavaCluster.Model.Kernels;

namespace LlavaCluster.Model.Quantised;

/// <summary>
/// A matrix of codes written out as bfloat16, row by row, for torch: of int4 the weights, of int8 the bare codes. Both are bfloat16
/// numbers exactly.
/// </summary>
/// <param name="path">Which instructions.</param>
/// <param name="pool">Who computes.</param>
internal sealed unsafe class CodeExpansion(KernelPath path, WorkerPool pool) : ParallelWork, IDisposable
{
    private readonly Scratch[] _scratch = [.. Enumerable.Range(0, pool.Workers).Select(_ => new Scratch())];
    private CodeMatrix? _matrix;
    private ushort* _rows;

    /// <inheritdoc/>
    public override int Items => _matrix!.Tiles;

    /// <summary>Writes all of it.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="rows">[outputs, inputs] bfloat16, written.</param>
    public void Compute(CodeMatrix matrix, ushort* rows)
    {
        _matrix = matrix;
        _rows = rows;
        pool.Run(this);
    }

    /// <inheritdoc/>
    public override void Do(int item, int worker)
    {
        var first = item * CodeMatrix.TileOutputs;
        var lines = _scratch[worker].Room((long)(RowCodes.Group + CodePanel.Spare) * CodeMatrix.Lanes);
        for (var output = first; output < Math.Min(first + CodeMatrix.TileOutputs, _matrix!.Outputs); output += CodeMatrix.Lanes)
        {
            var outputs = Math.Min(CodeMatrix.Lanes, _matrix.Outputs - output);
            for (var input = 0; input < _matrix.Inputs; input += RowCodes.Group)
            {
                var inputs = Math.Min(RowCodes.Group, _matrix.Inputs - input);
                var target = _rows + ((long)output * _matrix.Inputs) + input;

                // Lines lie as the weights do: input by input, 16 outputs each.
                CodePanel.Unpack(_matrix, output, input, inputs, paired: false, lines, CodeMatrix.Lanes);
                if (path == KernelPath.Avx512 && outputs == CodeMatrix.Lanes && inputs == RowCodes.Group)
                {
                    Turn(lines, target, _matrix.Inputs);
                }
                else
                {
                    Write(lines, outputs, inputs, target);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var scratch in _scratch)
        {
            scratch.Dispose();
        }
    }

    private void Write(float* lines, int outputs, int inputs, ushort* target)
    {
        for (var output = 0; output < outputs; output++)
        {
            for (var input = 0; input < inputs; input++)
            {
                var bits = BitConverter.SingleToUInt32Bits(lines[(input * CodeMatrix.Lanes) + output]);
                target[((long)output * _matrix!.Inputs) + input] = (ushort)(bits >> 16);
            }
        }
    }

    /// <summary>32 lines become 16 rows of 32 numbers.</summary>
    private static void Turn(float* lines, ushort* target, long stride)
    {
        Square512 square;
        square.R0 = Pair(lines, 0);
        square.R1 = Pair(lines, 1);
        square.R2 = Pair(lines, 2);
        square.R3 = Pair(lines, 3);
        square.R4 = Pair(lines, 4);
        square.R5 = Pair(lines, 5);
        square.R6 = Pair(lines, 6);
        square.R7 = Pair(lines, 7);
        square.R8 = Pair(lines, 8);
        square.R9 = Pair(lines, 9);
        square.R10 = Pair(lines, 10);
        square.R11 = Pair(lines, 11);
        square.R12 = Pair(lines, 12);
        square.R13 = Pair(lines, 13);
        square.R14 = Pair(lines, 14);
        square.R15 = Pair(lines, 15);
        square.Turn();
        square.R0.Store((uint*)target);
        square.R1.Store((uint*)(target + stride));
        square.R2.Store((uint*)(target + (2 * stride)));
        square.R3.Store((uint*)(target + (3 * stride)));
        square.R4.Store((uint*)(target + (4 * stride)));
        square.R5.Store((uint*)(target + (5 * stride)));
        square.R6.Store((uint*)(target + (6 * stride)));
        square.R7.Store((uint*)(target + (7 * stride)));
        square.R8.Store((uint*)(target + (8 * stride)));
        square.R9.Store((uint*)(target + (9 * stride)));
        square.R10.Store((uint*)(target + (10 * stride)));
        square.R11.Store((uint*)(target + (11 * stride)));
        square.R12.Store((uint*)(target + (12 * stride)));
        square.R13.Store((uint*)(target + (13 * stride)));
        square.R14.Store((uint*)(target + (14 * stride)));
        square.R15.Store((uint*)(target + (15 * stride)));
    }

    /// <summary>Two inputs of 16 outputs as bfloat16, the first in the lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Pair(float* lines, int pair)
    {
        var (first, second) = (Vector512.Load((uint*)lines + (pair * 32)), Vector512.Load((uint*)lines + (pair * 32) + 16));
        return (first >> 16) | (second & Vector512.Create(0xffff0000u));
    }
}
