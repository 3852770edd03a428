namespace LlavaCluster.Training.Drawing;

/// <summary>
/// Chance of a given seed: SplitMix64 (Steele, Lea, Flood 2014), so that a picture or a dialogue is the same on every runtime.
/// One thread at a time.
/// </summary>
internal sealed class Chance(ulong seed)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    private ulong _state = Mix(seed + Golden);

    /// <summary>64 fresh bits.</summary>
    public ulong Bits() => Mix(_state += Golden);

    /// <summary>A number in [0, 1).</summary>
    public double Unit() => (Bits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public double Between(double low, double high) => low + ((high - low) * Unit());

    /// <summary>A number in the range, each octave alike; both ends above 0.</summary>
    public double LogBetween(double low, double high) => low * Math.Pow(high / low, Unit());

    /// <summary>A whole number below <paramref name="count"/>.</summary>
    public int Below(int count) => (int)(Unit() * count);

    /// <summary>True in <paramref name="share"/> of the calls.</summary>
    public bool Flip(double share = 0.5) => Unit() < share;

    /// <summary>One of the items, each alike.</summary>
    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>The index of one of the weights, in proportion to them; −1 when none is above 0.</summary>
    public int Weighted(ReadOnlySpan<double> weights)
    {
        var total = 0.0;
        foreach (var weight in weights)
        {
            total += weight;
        }

        var rest = Unit() * total;
        var last = -1;
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] <= 0)
            {
                continue;
            }

            last = i;
            rest -= weights[i];
            if (rest < 0)
            {
                break;
            }
        }

        return last;
    }

    /// <summary>The items in an order of chance.</summary>
    public T[] Shuffled<T>(IEnumerable<T> items)
    {
        var shuffled = items.ToArray();
        for (var i = shuffled.Length - 1; i > 0; i--)
        {
            var other = Below(i + 1);
            (shuffled[i], shuffled[other]) = (shuffled[other], shuffled[i]);
        }

        return shuffled;
    }

    /// <summary>Independent chance that takes one draw of this one.</summary>
    public Chance Fork() => new(Bits());

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
