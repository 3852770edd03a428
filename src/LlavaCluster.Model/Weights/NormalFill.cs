using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace LlavaCluster.Model.Weights;

/// <summary>
/// Normally distributed elements at memory speed. The value of an element depends on seed, tensor and its number alone, so any
/// thread may fill any part in any order: a 64-bit counter is scrambled (the finaliser of SplitMix64), and each of its four
/// 16-bit lanes picks one of 4096 quantiles of the normal distribution, rounded beforehand to the stored type.
/// </summary>
internal static class NormalFill
{
    /// <summary>Elements that one scrambled number gives.</summary>
    public const int Lanes = 4;

    private const int LevelBits = 12;
    private const int Count = 1 << LevelBits;

    private static readonly double[] Quantiles = [.. Enumerable.Range(0, Count).Select(i => Quantile((i + 0.5) / Count))];

    /// <summary>The key of a tensor's numbers.</summary>
    public static ulong Key(ulong seed, string name)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var letter in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ letter) * 0x100000001B3UL;
        }

        return Scramble(Scramble(seed) ^ hash);
    }

    /// <summary>Quantiles of a normal distribution around 0.</summary>
    public static T[] Levels<T>(double deviation, Func<float, T> round)
        => [.. Quantiles.Select(q => round((float)(deviation * q)))];

    /// <summary>Fills a part of a tensor.</summary>
    /// <param name="target">The part.</param>
    /// <param name="levels">From <see cref="Levels"/>.</param>
    /// <param name="key">From <see cref="Key"/>.</param>
    /// <param name="first">Number of the part's first element in the tensor; a multiple of <see cref="Lanes"/>.</param>
    public static void Fill<T>(Span<T> target, T[] levels, ulong key, long first)
        where T : unmanaged
    {
        const int drop = 16 - LevelBits;
        ref var level = ref MemoryMarshal.GetArrayDataReference(levels);
        var counter = key + (ulong)(first / Lanes);
        var i = 0;
        for (; i <= target.Length - Lanes; i += Lanes)
        {
            var bits = Scramble(counter++);
            target[i + 3] = Unsafe.Add(ref level, (nint)(bits >> (48 + drop)));
            target[i] = Unsafe.Add(ref level, (nint)((bits & 0xFFFF) >> drop));
            target[i + 1] = Unsafe.Add(ref level, (nint)(((bits >> 16) & 0xFFFF) >> drop));
            target[i + 2] = Unsafe.Add(ref level, (nint)(((bits >> 32) & 0xFFFF) >> drop));
        }

        for (var last = Scramble(counter); i < target.Length; i++)
        {
            target[i] = Unsafe.Add(ref level, (nint)((last & 0xFFFF) >> drop));
            last >>= 16;
        }
    }

    /// <summary>SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.</summary>
    private static ulong Scramble(ulong counter)
    {
        var x = counter * 0x9E3779B97F4A7C15UL;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
        return x ^ (x >> 31);
    }

    /// <summary>
    /// Inverse of the normal distribution function by bisection of its integral (Abramowitz and Stegun 26.2.17, error 7.5e-8).
    /// </summary>
    private static double Quantile(double probability)
    {
        double low = -8, high = 8;
        for (var step = 0; step < 48; step++)
        {
            var middle = (low + high) / 2;
            (low, high) = Below(middle) < probability ? (middle, high) : (low, middle);
        }

        return (low + high) / 2;
    }

    private static double Below(double x)
    {
        if (x > 0)
        {
            return 1 - Below(-x);
        }

        var t = 1 / (1 - (0.2316419 * x));
        var series = t * (0.319381530 + (t * (-0.356563782 + (t * (1.781477937 + (t * (-1.821255978 + (t * 1.330274429))))))));
        return Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI) * series;
    }
}
