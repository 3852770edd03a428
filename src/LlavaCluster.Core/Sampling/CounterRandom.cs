namespace LlavaCluster.Core.Sampling;

/// <summary>
/// Randomness without a state: a number is a function of (seed, turn, index) alone, so a turn that is resumed on another machine,
/// or computed in another batch, draws the same numbers. Philox 4×32 with 10 rounds (Salmon et al., "Parallel random numbers: as
/// easy as 1, 2, 3", 2011): key = seed, counter = (index, turn, 0, 0). Any thread.
/// </summary>
public static class CounterRandom
{
    private const uint MultiplierA = 0xD2511F53, MultiplierB = 0xCD9E8D57;
    private const uint StepA = 0x9E3779B9, StepB = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>The number of this place.</summary>
    /// <param name="seed">Seed of the turn.</param>
    /// <param name="turn">Number of the turn in its session.</param>
    /// <param name="index">Number of the token in the turn.</param>
    /// <returns>In [0, 1), a multiple of 2⁻⁵³.</returns>
    public static double Uniform(ulong seed, int turn, int index)
    {
        var (a, b, _, _) = Philox(((uint)index, (uint)turn, 0, 0), ((uint)seed, (uint)(seed >> 32)));
        return ((((ulong)b << 32) | a) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>The block cipher itself.</summary>
    internal static (uint A, uint B, uint C, uint D) Philox((uint A, uint B, uint C, uint D) counter, (uint A, uint B) key)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var left = (ulong)MultiplierA * counter.A;
            var right = (ulong)MultiplierB * counter.C;
            counter = (
                (uint)(right >> 32) ^ counter.B ^ key.A,
                (uint)right,
                (uint)(left >> 32) ^ counter.D ^ key.B,
                (uint)left);
            key = (key.A + StepA, key.B + StepB);
        }

        return counter;
    }
}
