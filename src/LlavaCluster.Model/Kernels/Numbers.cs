using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaCluster.Model.Kernels;

/// <summary>
/// Numbers between their stored form and float32, where all arithmetic is done. Rounding is to nearest, ties to even, as torch's.
/// Vectors of 512 bits are what the runtime makes of them on processors that have less.
/// </summary>
internal static unsafe class Numbers
{
    /// <summary>Bytes of one number.</summary>
    public static int Size(NumberForm form) => form == NumberForm.Float32 ? sizeof(float) : sizeof(ushort);

    /// <summary>One 16-bit number.</summary>
    public static float Widen(NumberForm form, ushort bits)
        => form == NumberForm.BFloat16 ? BitConverter.UInt32BitsToSingle((uint)bits << 16) : (float)BitConverter.UInt16BitsToHalf(bits);

    /// <summary>Halves, each in the low 16 bits of a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WidenHalf(Vector512<uint> bits)
    {
        // Exponents are 15 and 127 off: shifted into place, a product with 2^112 is exact, for the smallest numbers too.
        var magnitude = bits & Vector512.Create(0x7fffu);
        var wide = (magnitude << 13).AsSingle() * Vector512.Create(BitConverter.UInt32BitsToSingle(0x77800000u));
        var special = (magnitude << 13) | Vector512.Create(0x7f800000u); // infinity and NaN
        var number = Vector512.ConditionalSelect(
            Vector512.GreaterThan(magnitude, Vector512.Create(0x7bffu)), special, wide.AsUInt32());
        return (number | ((bits & Vector512.Create(0x8000u)) << 16)).AsSingle();
    }

    /// <inheritdoc cref="WidenHalf(Vector512{uint})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WidenHalf(Vector256<uint> bits)
    {
        var magnitude = bits & Vector256.Create(0x7fffu);
        var wide = (magnitude << 13).AsSingle() * Vector256.Create(BitConverter.UInt32BitsToSingle(0x77800000u));
        var special = (magnitude << 13) | Vector256.Create(0x7f800000u);
        var number = Vector256.ConditionalSelect(
            Vector256.GreaterThan(magnitude, Vector256.Create(0x7bffu)), special, wide.AsUInt32());
        return (number | ((bits & Vector256.Create(0x8000u)) << 16)).AsSingle();
    }

    /// <summary>A stored row as float32.</summary>
    public static void Widen(NumberForm form, void* source, float* target, int count)
    {
        if (form == NumberForm.Float32)
        {
            Buffer.MemoryCopy(source, target, count * 4L, count * 4L);
            return;
        }

        var bits = (ushort*)source;
        var i = 0;
        for (; i + 16 <= count; i += 16)
        {
            var words = Words(bits + i);
            (form == NumberForm.BFloat16 ? (words << 16).AsSingle() : WidenHalf(words)).Store(target + i);
        }

        for (; i < count; i++)
        {
            target[i] = Widen(form, bits[i]);
        }
    }

    /// <summary>
    /// A stored row as float32 in the order in which products take it: 16-bit numbers in pairs, the second of a pair first, an odd
    /// count filled up with 0.
    /// </summary>
    public static void WidenForProduct(NumberForm form, void* source, float* target, int count)
    {
        if (form == NumberForm.Float32)
        {
            Widen(form, source, target, count);
            return;
        }

        var bits = (ushort*)source;
        var i = 0;
        for (; i + 16 <= count; i += 16)
        {
            var words = Vector512.Shuffle(Words(bits + i), Vector512.Create(1u, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
            (form == NumberForm.BFloat16 ? (words << 16).AsSingle() : WidenHalf(words)).Store(target + i);
        }

        for (; i < count; i += 2)
        {
            target[i] = i + 1 < count ? Widen(form, bits[i + 1]) : 0;
            target[i + 1] = Widen(form, bits[i]);
        }
    }

    /// <summary>Float32 into the stored form.</summary>
    public static void Narrow(NumberForm form, float* source, void* target, int count)
    {
        if (form == NumberForm.Float32)
        {
            Buffer.MemoryCopy(source, target, count * 4L, count * 4L);
            return;
        }

        var bits = (ushort*)target;
        var i = 0;
        if (form == NumberForm.BFloat16)
        {
            for (; i + 16 <= count; i += 16)
            {
                var words = RoundToBrain(Vector512.Load(source + i)).AsUInt32() >> 16;
                Vector256.Narrow(words.GetLower(), words.GetUpper()).Store(bits + i);
            }
        }

        for (; i < count; i++)
        {
            bits[i] = Narrow(form, source[i]);
        }
    }

    /// <summary>The nearest number that the form has.</summary>
    public static float Round(NumberForm form, float value)
        => form == NumberForm.Float32 ? value : Widen(form, Narrow(form, value));

    /// <summary>The nearest numbers that the form has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(NumberForm form, Vector512<float> value)
    {
        if (form == NumberForm.Float32)
        {
            return value;
        }

        return form == NumberForm.BFloat16 ? RoundToBrain(value) : RoundToHalf(value);
    }

    private static ushort Narrow(NumberForm form, float value)
    {
        if (form == NumberForm.Float16)
        {
            return BitConverter.HalfToUInt16Bits((Half)value);
        }

        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((float.IsNaN(value) ? bits | 0x400000 : bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> RoundToBrain(Vector512<float> value)
    {
        var bits = value.AsUInt32();
        var rounded = bits + Vector512.Create(0x7fffu) + ((bits >> 16) & Vector512.Create(1u));
        var number = Vector512.ConditionalSelect(Vector512.Equals(value, value).AsUInt32(), rounded, bits | Vector512.Create(0x400000u));
        return (number & Vector512.Create(0xffff0000u)).AsSingle();
    }

    /// <summary>a += b.</summary>
    public static void Add(float* a, float* b, long count)
    {
        var i = 0L;
        for (; i + 16 <= count; i += 16)
        {
            (Vector512.Load(a + i) + Vector512.Load(b + i)).Store(a + i);
        }

        for (; i < count; i++)
        {
            a[i] += b[i];
        }
    }

    private static Vector512<float> RoundToHalf(Vector512<float> value)
    {
        var numbers = stackalloc float[16];
        value.Store(numbers);
        for (var i = 0; i < 16; i++)
        {
            numbers[i] = (float)(Half)numbers[i];
        }

        return Vector512.Load(numbers);
    }

    /// <summary>16 numbers of 16 bits, each in the low half of a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Words(ushort* bits)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512UInt32(Vector256.Load(bits));
        }

        var (low, high) = Vector256.Widen(Vector256.Load(bits));
        return Vector512.Create(low, high);
    }
}
