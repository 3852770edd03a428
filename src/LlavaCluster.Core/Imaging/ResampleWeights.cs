namespace LlavaCluster.Core.Imaging;

/// <summary>
/// Weights of one axis of Pillow's bicubic resampling in 22-bit fixed point (Pillow's <c>Resample.c</c>: <c>bicubic_filter</c>,
/// <c>precompute_coeffs</c>, <c>normalize_coeffs_8bpc</c>), for a window of the outputs. Immutable.
/// </summary>
internal sealed class ResampleWeights
{
    /// <summary>Bits behind the point.</summary>
    public const int PrecisionBits = 32 - 8 - 2;

    /// <summary>Weights of one output are padded with zeros to a multiple of this, for vectors of four pixels.</summary>
    public const int Group = 4;

    private const double Sharpness = -0.5;

    /// <summary>Weights to shrink or stretch <paramref name="from"/> samples to <paramref name="to"/>.</summary>
    /// <param name="from">Samples there are.</param>
    /// <param name="to">Samples wanted.</param>
    /// <param name="first">First output that is computed.</param>
    /// <param name="count">Outputs that are computed.</param>
    public ResampleWeights(int from, int to, int first, int count)
    {
        var scale = (double)from / to;
        var filterScale = Math.Max(scale, 1.0);
        var support = 2.0 * filterScale;
        var inverse = 1.0 / filterScale;
        Stride = ((((int)Math.Ceiling(support) * 2) + 1 + Group - 1) / Group) * Group;
        Starts = new int[count];
        Counts = new int[count];
        Values = new int[(long)count * Stride];
        var kernel = new double[Stride];
        for (var output = 0; output < count; output++)
        {
            var centre = (first + output + 0.5) * scale;
            var low = Math.Max((int)(centre - support + 0.5), 0);
            var taps = Math.Min((int)(centre + support + 0.5), from) - low;
            var sum = 0.0;
            for (var i = 0; i < taps; i++)
            {
                kernel[i] = Kernel((i + low - centre + 0.5) * inverse);
                sum += kernel[i];
            }

            var values = Values.AsSpan(output * Stride, Stride);
            for (var i = 0; i < taps; i++)
            {
                var weight = sum == 0.0 ? kernel[i] : kernel[i] / sum;
                values[i] = (int)((weight * (1 << PrecisionBits)) + (weight < 0 ? -0.5 : 0.5));
            }

            (Starts[output], Counts[output]) = (low, taps);
        }

        First = count == 0 ? 0 : Starts[0];
        End = count == 0 ? 0 : Starts[^1] + Counts[^1];
    }

    /// <summary>Outputs that are computed.</summary>
    public int Outputs => Starts.Length;

    /// <summary>First sample that each output takes.</summary>
    public int[] Starts { get; }

    /// <summary>Samples that each output takes.</summary>
    public int[] Counts { get; }

    /// <summary>[outputs, stride]; zeros behind the counted ones.</summary>
    public int[] Values { get; }

    /// <summary>Ints from one output's weights to the next's, a multiple of <see cref="Group"/>.</summary>
    public int Stride { get; }

    /// <summary>First sample that any output takes.</summary>
    public int First { get; }

    /// <summary>One past the last sample that any output takes.</summary>
    public int End { get; }

    private static double Kernel(double x)
    {
        x = Math.Abs(x);
        if (x < 1.0)
        {
            return ((((Sharpness + 2.0) * x) - (Sharpness + 3.0)) * x * x) + 1;
        }

        return x < 2.0 ? ((((((x - 5) * x) + 8) * x) - 4) * Sharpness) : 0.0;
    }
}
