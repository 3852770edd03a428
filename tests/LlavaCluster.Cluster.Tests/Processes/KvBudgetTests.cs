using LlavaCluster.Silo.Commands;
using LlavaCluster.Silo.Hosting;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>How much memory the KV blocks take.</summary>
public sealed class KvBudgetTests
{
    private const long BlockBytes = 1 << 20;

    [Theory]
    [InlineData(0, 1, 256)] // one whole context, however little is free
    [InlineData(4096L << 20, 1, 2048)] // half of it
    [InlineData(4096L << 20, 2, 1024)] // half of it, shared by two ranks
    [InlineData(1L << 40, 1, 256 * KvBudget.MostContexts)] // never more than that on its own account
    public void Blocks_NothingAsked_FollowTheFreeMemory(long free, int ranks, int expected) =>
        Assert.Equal(expected, KvBudget.Blocks(BlockBytes, 16, 4096, ranks, free, askedMib: 0));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(100_000, 100_000)]
    public void Blocks_Asked_AreAsAsked(int mib, int expected) =>
        Assert.Equal(expected, KvBudget.Blocks(BlockBytes, 16, 4096, ranks: 1, freeBytes: 0, mib));

    [Theory]
    [InlineData(-1, 512L << 20, 512)] // by the free memory
    [InlineData(-1, 1L << 40, 2048)] // but no more than this on its own account
    [InlineData(0, 1L << 40, 0)]
    [InlineData(5000, 0, 5000)]
    public void BlocksBelow_AreAsAsked_OrFollowWhatIsFree(int asked, long free, int expected) =>
        Assert.Equal(expected, KvBudget.BlocksBelow(BlockBytes, asked, free, most: 2048));

    [Fact]
    public void Blocks_LessThanOneAsked_SaysHowManyAreNeeded()
    {
        var error = Assert.Throws<UserErrorException>(() => KvBudget.Blocks(BlockBytes * 3, 16, 4096, 1, 0, askedMib: 2));

        Assert.Equal("--kv-cache-mib 2 holds no KV block of 3,145,728 bytes. Take at least 4.", error.Message);
    }
}
