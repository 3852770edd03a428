namespace LlavaCluster.Core.Sampling;

/// <summary>Seeds of the several answers of one turn. Any thread.</summary>
public static class CounterSeed
{
    /// <summary>
    /// The seed of one answer: the first has the turn's own, so that asking for more answers does not change it; the others have a
    /// number of the turn's seed that no place of an answer draws.
    /// </summary>
    /// <param name="seed">Seed of the turn.</param>
    /// <param name="choice">Which answer, from 0.</param>
    public static ulong Of(ulong seed, int choice)
    {
        if (choice == 0)
        {
            return seed;
        }

        // CounterRandom has 0 in the third place of the counter.
        var (a, b, _, _) = CounterRandom.Philox((0, 0, (uint)choice, 0), ((uint)seed, (uint)(seed >> 32)));
        return ((ulong)b << 32) | a;
    }
}
