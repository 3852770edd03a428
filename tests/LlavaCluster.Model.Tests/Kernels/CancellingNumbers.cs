using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Kernels;

/// <summary>
/// Rows whose products cancel: numbers stand in pairs at random places, equal in one matrix, opposite in the other. The exact sum is 0,
/// so what comes out is nothing but the rounding of the order in which it was summed.
/// </summary>
internal static class CancellingNumbers
{
    /// <summary>x [rows, columns] and weights [outputs, columns].</summary>
    public static (Tensor X, Tensor Weight) Draw(int rows, int outputs, int columns, ScalarType type)
    {
        var random = new Random(columns);
        var places = Enumerable.Range(0, columns).ToArray();
        random.Shuffle(places);
        return (Draw(rows, 1), Draw(outputs, -1));

        Tensor Draw(int count, int sign)
        {
            var drawn = empty(count, columns, dtype: ScalarType.Float32);
            var numbers = MemoryMarshal.Cast<byte, float>(drawn.bytes);
            for (var row = 0; row < count; row++)
            {
                var line = numbers.Slice(row * columns, columns);
                line.Fill(0.25f);
                for (var i = 0; i + 1 < columns; i += 2)
                {
                    line[places[i]] = random.NextSingle() - 0.5f;
                    line[places[i + 1]] = sign * line[places[i]];
                }
            }

            return drawn.to(type);
        }
    }
}
