using LlavaCluster.Core.Sampling;
using Xunit;

namespace LlavaCluster.Core.Tests.Sampling;

public sealed class CounterRandomTests
{
    /// <summary>Known answers of the authors' library (Random123, kat_vectors, philox4x32 with 10 rounds).</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(
        0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Philox_KnownCounters_GivesThePublishedAnswers(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint a, uint b, uint c, uint d)
        => Assert.Equal((a, b, c, d), CounterRandom.Philox((c0, c1, c2, c3), (k0, k1)));

    [Fact]
    public void Uniform_ManyPlaces_FillsTheUnitIntervalEvenly()
    {
        const int Bins = 64, Count = 64_000;
        foreach (var along in new Func<int, double>[]
                 {
                     i => CounterRandom.Uniform(1, 0, i), i => CounterRandom.Uniform(1, i, 0), i => CounterRandom.Uniform((ulong)i, 0, 0),
                     i => CounterRandom.Uniform((ulong)i << 32, 3, 5),
                 })
        {
            var bins = new int[Bins];
            for (var i = 0; i < Count; i++)
            {
                bins[(int)(along(i) * Bins)]++;
            }

            // χ² of 63 degrees of freedom: 120 is passed once in 50,000 honest draws; the draws here are fixed.
            var expected = Count / (double)Bins;
            Assert.InRange(bins.Sum(n => (n - expected) * (n - expected) / expected), 20, 120);
        }
    }

    [Fact]
    public void Uniform_NeighbouringPlaces_AreNotCorrelated()
    {
        const int Count = 50_000;
        foreach (var next in new Func<int, double>[]
                 {
                     i => CounterRandom.Uniform(9, 4, i + 1), i => CounterRandom.Uniform(9, 5, i), i => CounterRandom.Uniform(10, 4, i),
                 })
        {
            var sum = Enumerable.Range(0, Count).Sum(i => (CounterRandom.Uniform(9, 4, i) - 0.5) * (next(i) - 0.5));
            Assert.InRange(Math.Abs(sum / Count * 12), 0, 0.02);
        }
    }

    [Fact]
    public void Uniform_AnyOrderOfCalls_GivesTheSameNumbers()
    {
        var forward = Enumerable.Range(0, 100).Select(i => CounterRandom.Uniform(42, 2, i)).ToArray();
        var backward = Enumerable.Range(0, 100).Reverse().Select(i => CounterRandom.Uniform(42, 2, i)).Reverse().ToArray();
        Assert.Equal(forward, backward);
        Assert.Equal(100, forward.Distinct().Count());
        Assert.All(forward, u => Assert.InRange(u, 0, 1 - double.Epsilon));
    }
}
