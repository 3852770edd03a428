using FsCheck;
using FsCheck.Fluent;
using LlavaCluster.Core.Scheduling;
using Xunit;

namespace LlavaCluster.Core.Tests.Scheduling;

public sealed class BlockPoolTests
{
    [Fact]
    public void AnyCalls_FreeAndUsed_MakeTheTotal()
    {
        const int total = 12;
        Prop.ForAll<int[]>(moves =>
        {
            var pool = new BlockPool(total);
            var cache = new PrefixCache(pool);
            var held = new List<int>();
            foreach (var move in moves)
            {
                var number = Math.Abs((long)move);
                switch (number % 4)
                {
                    case 0:
                        var count = (int)(number / 4 % 5);
                        var before = pool.Free;
                        Assert.Equal(count <= before, pool.TryTake(count, held));
                        break;
                    case 1 when held.Count > 0:
                        var at = (int)(number / 4 % held.Count);
                        pool.Return(held[at]);
                        held.RemoveAt(at);
                        break;
                    case 2 when held.Count > 0:
                        cache.Publish(held[(int)(number / 4 % held.Count)], (UInt128)(number / 4 % 20));
                        break;
                    default:
                        cache.Match([(UInt128)(number / 4 % 20)], held);
                        break;
                }

                Assert.Equal(total, pool.Free + pool.Used);
                Assert.Equal(held.Distinct().Count(), pool.Used);
                Assert.All(held, block => Assert.Equal(held.Count(other => other == block), pool.ReferencesOf(block)));
                Assert.True(cache.Count <= total);
            }

            held.ForEach(pool.Return);
            Assert.Equal(total, pool.Free);
            // Nothing was lost on the way: every block can be taken once.
            var all = new List<int>();
            Assert.True(pool.TryTake(total, all));
            Assert.Equal(total, all.Distinct().Count());
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithStartSize(20).WithEndSize(200));
    }

    [Fact]
    public void Return_Twice_IsAnError()
    {
        var pool = new BlockPool(2);
        var held = new List<int>();
        Assert.True(pool.TryTake(1, held));
        pool.Return(held[0]);

        var error = Assert.Throws<InvalidOperationException>(() => pool.Return(held[0]));

        Assert.Equal("Block 0 was returned but nobody holds it.", error.Message);
    }

    [Fact]
    public void TryTake_MoreThanFree_TakesNone()
    {
        var pool = new BlockPool(3);
        var held = new List<int>();

        Assert.False(pool.TryTake(4, held));

        Assert.Empty(held);
        Assert.Equal(3, pool.Free);
    }

    [Fact]
    public void TryTake_AmongKnownBlocks_TakesTheOneFreedLongestAgo()
    {
        var pool = new BlockPool(3);
        var cache = new PrefixCache(pool);
        var held = new List<int>();
        pool.TryTake(3, held);
        cache.Publish(held[0], 100);
        cache.Publish(held[1], 101);
        pool.Return(held[1]);
        pool.Return(held[0]);
        pool.Return(held[2]);

        var taken = new List<int>();
        pool.TryTake(2, taken);

        Assert.Equal([held[2], held[1]], taken);
        Assert.Equal(1, cache.Match([100], []));
        Assert.Equal(0, cache.Match([101], []));
    }
}
