using System.Diagnostics;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Collectives;

/// <summary>
/// Sums the ranks' parts in order of ranks, in float32, rounded once to nearest even: the bits that <see cref="InProcessCollective"/>
/// gives, however the parts came together.
/// </summary>
internal static unsafe class RankSum
{
    /// <summary>Bytes of one number; fails for types that are not summed.</summary>
    public static int ElementSize(ScalarType type) => type switch
    {
        ScalarType.Float32 => 4,
        ScalarType.BFloat16 or ScalarType.Float16 => 2,
        _ => throw new ArgumentException($"Tensors of type {type} are not summed over ranks; Float32, BFloat16 and Float16 are.", nameof(type)),
    };

    /// <summary>Writes Σ parts[r][i] to <paramref name="result"/>[i].</summary>
    /// <param name="type">float32, bfloat16 or float16.</param>
    /// <param name="parts">One address per rank.</param>
    /// <param name="ranks">Parts, at least 1.</param>
    /// <param name="result">May be one of the parts.</param>
    /// <param name="count">Numbers.</param>
    public static void Add(ScalarType type, byte** parts, int ranks, byte* result, long count)
    {
        Debug.Assert(ranks > 0, "There is something to sum.");
        switch (type)
        {
            case ScalarType.Float32:
                AddSingles((float**)parts, ranks, (float*)result, count);
                break;
            case ScalarType.BFloat16:
                AddHalves<BFloat16Lanes>((ushort**)parts, ranks, (ushort*)result, count);
                break;
            default:
                AddHalves<Float16Lanes>((ushort**)parts, ranks, (ushort*)result, count);
                break;
        }
    }

    private static void AddSingles(float** parts, int ranks, float* result, long count)
    {
        long i = 0;
        for (; i + Vector512<float>.Count <= count; i += Vector512<float>.Count)
        {
            var sum = Vector512.Load(parts[0] + i);
            for (var rank = 1; rank < ranks; rank++)
            {
                sum += Vector512.Load(parts[rank] + i);
            }

            sum.Store(result + i);
        }

        for (; i < count; i++)
        {
            var sum = parts[0][i];
            for (var rank = 1; rank < ranks; rank++)
            {
                sum += parts[rank][i];
            }

            result[i] = sum;
        }
    }

    private static void AddHalves<TLanes>(ushort** parts, int ranks, ushort* result, long count)
        where TLanes : IHalfLanes
    {
        var lanes = Vector512<ushort>.Count;
        long i = 0;
        for (; i + lanes <= count; i += lanes)
        {
            Sum<TLanes>(parts, ranks, i).Store(result + i);
        }

        if (i < count)
        {
            // The rest goes through a full vector, so that there is one rule of rounding.
            var rest = (int)(count - i);
            var padded = stackalloc ushort[lanes * ranks];
            var starts = stackalloc ushort*[ranks];
            for (var rank = 0; rank < ranks; rank++)
            {
                starts[rank] = padded + (rank * lanes);
                new ReadOnlySpan<ushort>(parts[rank] + i, rest).CopyTo(new Span<ushort>(starts[rank], lanes));
            }

            var sum = Sum<TLanes>(starts, ranks, 0);
            for (var j = 0; j < rest; j++)
            {
                result[i + j] = sum[j];
            }
        }
    }

    private static Vector512<ushort> Sum<TLanes>(ushort** parts, int ranks, long at)
        where TLanes : IHalfLanes
    {
        var (low, high) = Vector512.Widen(Vector512.Load(parts[0] + at));
        var (lowSum, highSum) = (TLanes.ToSingle(low), TLanes.ToSingle(high));
        for (var rank = 1; rank < ranks; rank++)
        {
            (low, high) = Vector512.Widen(Vector512.Load(parts[rank] + at));
            lowSum += TLanes.ToSingle(low);
            highSum += TLanes.ToSingle(high);
        }

        return Vector512.Narrow(TLanes.FromSingle(lowSum), TLanes.FromSingle(highSum));
    }

    /// <summary>A 16-bit number form, sixteen at a time, each in the low half of 32 bits.</summary>
    private interface IHalfLanes
    {
        static abstract Vector512<float> ToSingle(Vector512<uint> bits);

        static abstract Vector512<uint> FromSingle(Vector512<float> value);
    }

    private readonly struct BFloat16Lanes : IHalfLanes
    {
        public static Vector512<float> ToSingle(Vector512<uint> bits) => (bits << 16).AsSingle();

        public static Vector512<uint> FromSingle(Vector512<float> value)
        {
            var bits = value.AsUInt32();
            var rounded = (bits + Vector512.Create(0x7fffu) + ((bits >> 16) & Vector512<uint>.One)) >> 16;
            return Vector512.ConditionalSelect(Vector512.Equals(value, value).AsUInt32(), rounded, Vector512.Create(0x7fc0u));
        }
    }

    private readonly struct Float16Lanes : IHalfLanes
    {
        public static Vector512<float> ToSingle(Vector512<uint> bits)
        {
            // Exponent and mantissa in float32's places, then the exponent's bias made up by a product, which also takes care of
            // numbers below the smallest normal one.
            var magnitude = (bits & Vector512.Create(0x7fffu)) << 13;
            var scaled = (magnitude.AsSingle() * Vector512.Create(0x7780_0000u).AsSingle()).AsUInt32();
            var special = Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(0x0f80_0000u));
            scaled = Vector512.ConditionalSelect(special, magnitude | Vector512.Create(0x7f80_0000u), scaled);
            return (scaled | ((bits & Vector512.Create(0x8000u)) << 16)).AsSingle();
        }

        public static Vector512<uint> FromSingle(Vector512<float> value)
        {
            var bits = value.AsUInt32();
            var sign = bits & Vector512.Create(0x8000_0000u);
            bits ^= sign;

            // A normal float16: bias taken off, rounded to even at the 13 bits that go.
            var odd = (bits >> 13) & Vector512<uint>.One;
            var normal = (bits - Vector512.Create(112u << 23) + Vector512.Create(0xfffu) + odd) >> 13;

            // Below the smallest normal one: adding 0.5 leaves the bits wanted at the end of the mantissa, rounded by the processor.
            var half = Vector512.Create(0x3f00_0000u);
            var small = (bits.AsSingle() + half.AsSingle()).AsUInt32() - half;
            var isSmall = Vector512.LessThan(bits, Vector512.Create(113u << 23));

            // Past the largest one: infinity, or not a number.
            var isLarge = Vector512.GreaterThanOrEqual(bits, Vector512.Create(143u << 23));
            var large = Vector512.ConditionalSelect(
                Vector512.GreaterThan(bits, Vector512.Create(255u << 23)), Vector512.Create(0x7e00u), Vector512.Create(0x7c00u));

            var result = Vector512.ConditionalSelect(isSmall, small, Vector512.ConditionalSelect(isLarge, large, normal));
            return result | (sign >> 16);
        }
    }
}
