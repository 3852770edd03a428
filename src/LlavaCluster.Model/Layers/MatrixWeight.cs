using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Quantised;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>The weight of a linear layer: a parameter, or codes. One of them is there.</summary>
/// <param name="Dense">[outputs, inputs], or null. Belongs to the layer.</param>
/// <param name="Codes">The same in codes, or null. Belongs to the language model.</param>
/// <param name="Tiled">So many of the parameter's outputs, from the first on, lie in <see cref="TileOrder"/>.</param>
internal readonly record struct MatrixWeight(Parameter? Dense, CodeMatrix? Codes, int Tiled = 0)
{
    /// <summary>
    /// x · weightᵀ by torch. Of codes and tiles the weights are written out for each call: the reference of tests, not a way to serve.
    /// </summary>
    /// <param name="x">[…, inputs]</param>
    /// <returns>[…, outputs]</returns>
    public Tensor Linear(Tensor x)
    {
        if (Dense is not null && Tiled == 0)
        {
            return nn.functional.linear(x, Dense);
        }

        using var scope = NewDisposeScope();
        if (Dense is not null)
        {
            return nn.functional.linear(x, WrittenOut(Dense, Tiled)).MoveToOuterDisposeScope();
        }

        // In float32: a code of int8 times its scale has more digits than a bfloat16.
        return nn.functional.linear(x.to(ScalarType.Float32), WrittenOut(Codes!)).to(x.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>A matrix of tiles as rows, [outputs, inputs].</summary>
    private static unsafe Tensor WrittenOut(Tensor tiles, int tiled)
    {
        var written = tiles.clone();
        TileOrder.WriteRows(HostMemory.Of(tiles), tiled, (int)tiles.shape[1], HostMemory.Of(written));
        return written;
    }

    /// <summary>Codes times scales, [outputs, inputs], float32.</summary>
    public static unsafe Tensor WrittenOut(CodeMatrix codes)
    {
        var written = empty(codes.Outputs, codes.Inputs, dtype: ScalarType.Float32);
        var memory = (nint)HostMemory.Of(written);
        Parallel.For(0, (codes.Outputs + CodeMatrix.Lanes - 1) / CodeMatrix.Lanes, () => new Scratch(), (panel, _, scratch) =>
        {
            var first = panel * CodeMatrix.Lanes;
            var lines = scratch.Room((long)(CodeMatrix.Stretch + CodePanel.Spare) * CodeMatrix.Lanes);
            for (var start = 0; start < codes.Inputs; start += CodeMatrix.Stretch)
            {
                var inputs = Math.Min(CodeMatrix.Stretch, codes.Inputs - start);
                CodePanel.Unpack(codes, first, start, inputs, paired: false, lines, CodeMatrix.Lanes);
                for (var output = first; output < Math.Min(codes.Outputs, first + CodeMatrix.Lanes); output++)
                {
                    var row = (float*)memory + ((long)output * codes.Inputs) + start;
                    var scale = codes.Scales == null ? 1 : codes.Scales[output];
                    for (var i = 0; i < inputs; i++)
                    {
                        row[i] = lines[(i * CodeMatrix.Lanes) + output - first] * scale;
                    }
                }
            }

            return scratch;
        }, scratch => scratch.Dispose());
        return written;
    }
}
