using System.Runtime.InteropServices;
using LlavaCluster.Model.Kernels;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Layers;

/// <summary>
/// Whether torch's bfloat16 product on this machine sums in the order of <see cref="ProductOrder"/>. Another processor or torch may
/// take another order: prompts are then multiplied by our own kernel too, which is slower, but what a token gets still does not depend
/// on how it was computed.
/// </summary>
internal static unsafe class TorchOrder
{
    private const int Outputs = 64;

    /// <summary>
    /// Row counts that are tried: torch may take the last row of an odd number, or what is left beside its tiles of rows, by another
    /// kernel with another order (it does on processors without a product of bfloat16 pairs).
    /// </summary>
    public static IReadOnlyList<int> Rows { get; } = [HostBuffer.FewRows + 1, 32, 40, 47, 63, 129, 256];

    /// <summary>Tries it with numbers that cancel each other exactly, so that only the order's rounding errors remain.</summary>
    /// <param name="product">Our product.</param>
    /// <param name="inputs">Inputs of the layer.</param>
    public static bool IsOurs(MatrixProduct product, int inputs)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        var random = new Random(inputs);
        var places = Enumerable.Range(0, inputs).ToArray();
        random.Shuffle(places);
        var most = Rows.Max();
        using var x = Draw(most, inputs, places, random, opposite: false);
        using var weight = Draw(Outputs, inputs, places, random, opposite: true);
        using var ours = empty(most, Outputs, dtype: ScalarType.BFloat16);
        product.Compute(
            NumberForm.BFloat16, HostMemory.Of(x), most, HostMemory.Of(weight), Outputs, inputs, HostMemory.Of(ours));
        return Rows.All(rows =>
        {
            using var theirs = nn.functional.linear(x.narrow(0, 0, rows), weight);
            return ours.narrow(0, 0, rows).bytes.SequenceEqual(theirs.bytes);
        });
    }

    /// <summary>Rows whose numbers stand in pairs at random places: equal, or opposite.</summary>
    private static Tensor Draw(int rows, int columns, int[] places, Random random, bool opposite)
    {
        var numbers = new float[rows * columns];
        for (var row = 0; row < rows; row++)
        {
            var line = numbers.AsSpan(row * columns, columns);
            for (var i = 0; i + 1 < columns; i += 2)
            {
                var number = random.NextSingle() - 0.5f;
                line[places[i]] = number;
                line[places[i + 1]] = opposite ? -number : number;
            }
        }

        var drawn = empty(rows, columns, dtype: ScalarType.Float32);
        MemoryMarshal.AsBytes(numbers.AsSpan()).CopyTo(drawn.bytes);
        return drawn.to(ScalarType.BFloat16);
    }
}
