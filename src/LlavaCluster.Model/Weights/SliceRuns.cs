using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Model.Weights;

/// <summary>
/// Where the bytes of a slice lie in its file: <see cref="Count"/> runs of <see cref="Run"/> bytes, <see cref="Stride"/> apart.
/// <code>
/// rows 2..3 of [4, 6]     one run:        ......  ......  ######  ######
/// columns 1..2 of [4, 6]  a run per row:  .##...  .##...  .##...  .##...
/// </code>
/// </summary>
/// <param name="First">First byte, from the start of the file.</param>
/// <param name="Run">Bytes of a run.</param>
/// <param name="Stride">Bytes from the start of a run to that of the next.</param>
/// <param name="Count">Runs.</param>
internal readonly record struct SliceRuns(long First, long Run, long Stride, long Count)
{
    /// <summary>Bytes of the slice.</summary>
    public long Length => Run * Count;

    /// <summary>The runs of a slice.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The slice does not lie in the tensor.</exception>
    public static SliceRuns Of(SafetensorsTensor tensor, WeightSlice? slice)
    {
        if (slice is not { } part)
        {
            return new SliceRuns(tensor.Offset, tensor.Length, tensor.Length, 1);
        }

        if (part.Dimension is < 0 or > 1 || part.Dimension >= tensor.Shape.Count
            || part.Start < 0 || part.Length < 0 || part.Start > tensor.Shape[part.Dimension] - part.Length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(slice), $"{part} does not lie in tensor '{tensor.Name}' of shape {SafetensorsTensor.Show(tensor.Shape)}.");
        }

        // Bytes of one index of the dimension: of a row for 0, of a cell (with what lies inside it) for 1.
        var step = tensor.Shape.Skip(part.Dimension + 1).Aggregate((long)tensor.ElementSize, (product, size) => product * size);
        var (first, run) = (tensor.Offset + (part.Start * step), part.Length * step);
        return part.Dimension == 0
            ? new SliceRuns(first, run, run, 1)
            : new SliceRuns(first, run, tensor.Shape[1] * step, tensor.Shape[0]);
    }

    /// <summary>Place in the file of a byte of the slice.</summary>
    /// <param name="position">Number of the byte in the slice, runs joined.</param>
    public long Place(long position) => First + (position / Run * Stride) + (position % Run);
}
