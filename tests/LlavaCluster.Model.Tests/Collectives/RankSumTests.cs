using System.Runtime.InteropServices;
using LlavaCluster.Model.Collectives;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Collectives;

/// <summary>Our additions against torch's conversions, bit by bit.</summary>
public sealed unsafe class RankSumTests
{
    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Add_EveryNumberOfTheType_ToOneOfAnotherSize_RoundsAsTorchDoes(ScalarType type)
    {
        // Every bit pattern, infinities and numbers below the smallest normal one among them.
        using var all = empty(65_536, type);
        MemoryMarshal.Cast<ushort, byte>([.. Enumerable.Range(0, 65_536).Select(i => (ushort)i)]).CopyTo(all.bytes);
        var parts = stackalloc byte*[2];
        foreach (var other in new[] { 0f, 1e-7f, 0.33f, -3e-5f, 17.7f, 60_000f, -3e38f })
        {
            using var second = full(65_536, other).to(type);
            using var expected = (all.to(ScalarType.Float32) + second.to(ScalarType.Float32)).to(type);
            using var ours = empty_like(all);
            parts[0] = TensorMemory.Of(all);
            parts[1] = TensorMemory.Of(second);
            RankSum.Add(type, parts, 2, TensorMemory.Of(ours), 65_536);
            var theirs = MemoryMarshal.Cast<byte, ushort>(expected.bytes);
            using var nan = expected.isnan();
            var isNan = nan.bytes;
            var sums = MemoryMarshal.Cast<byte, ushort>(ours.bytes);
            for (var i = 0; i < 65_536; i++)
            {
                if (isNan[i] == 0 ? sums[i] != theirs[i] : (sums[i] & 0x7fff) <= (type == ScalarType.Float16 ? 0x7c00 : 0x7f80))
                {
                    Assert.Fail($"bits {i:x4} + {other}: torch {theirs[i]:x4}, ours {sums[i]:x4}");
                }
            }
        }
    }

    [Fact]
    public void ElementSize_TypeThatIsNotSummed_SaysWhichAre() => Assert.StartsWith(
        "Tensors of type Int64 are not summed over ranks; Float32, BFloat16 and Float16 are.",
        Assert.Throws<ArgumentException>(() => RankSum.ElementSize(ScalarType.Int64)).Message);
}
