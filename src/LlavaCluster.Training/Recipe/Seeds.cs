namespace LlavaCluster.Training.Recipe;

/// <summary>
/// Seeds without a state: that of a step, a picture or a question is a function of the run's seed and its place alone, so that a
/// resumed run draws what an unbroken one would have drawn. The mixing is that of SplitMix64 (Steele, Lea, Flood 2014).
/// </summary>
internal static class Seeds
{
    /// <summary>First place of everything that is learned from.</summary>
    public const ulong Learned = 1;

    /// <summary>First place of everything that accuracy is measured on, and nothing learned from.</summary>
    public const ulong HeldOut = 2;

    /// <summary>The seed of a place.</summary>
    public static ulong At(ulong seed, params ReadOnlySpan<ulong> place)
    {
        var mixed = Mix(seed);
        foreach (var number in place)
        {
            mixed = Mix(mixed ^ Mix(number));
        }

        return mixed;
    }

    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
