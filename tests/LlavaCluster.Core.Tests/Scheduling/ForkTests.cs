using LlavaCluster.Core.Scheduling;
using Xunit;

namespace LlavaCluster.Core.Tests.Scheduling;

/// <summary>Several answers to one prompt share its blocks.</summary>
public sealed class ForkTests
{
    [Theory]
    [InlineData(40, 2, 1)] // two full blocks are shared, the third is copied
    [InlineData(32, 1, 1)] // the last token of the second block is computed again: in a copy
    [InlineData(33, 2, 0)] // the last token stands in a block of its own
    [InlineData(1, 0, 0)]
    public void Fork_AfterThePrompt_SharesFullBlocksAndCopiesTheLast(int prompt, int shared, int copies)
    {
        var host = new SchedulerHost();
        var (parent, child) = (host.Enqueue(prompt), host.Sequence(prompt));
        host.Step();

        host.Scheduler.Fork(parent, child);
        var plan = host.Step();

        Assert.Equal(parent.Blocks[..shared], child.Blocks[..shared]);
        Assert.NotEqual(parent.Blocks[shared], child.Blocks[shared]);
        Assert.Equal(
            Enumerable.Repeat(new BlockCopy(parent.Blocks[shared], child.Blocks[shared]), copies), plan.BlockCopies);
        Assert.Equal((prompt - 1, 1), (plan.Slices[1].Start, plan.Slices[1].TokenIds.Length));
        Assert.Equal((0, prompt - 1), (plan.Slices[1].Sample!.Index, child.CachedTokens));
        Assert.Empty(host.Step().BlockCopies);
    }

    [Fact]
    public void Fork_ThenBothEnd_AllBlocksAreFree()
    {
        var host = new SchedulerHost();
        var (parent, child) = (host.Enqueue(40), host.Sequence(40));
        host.Step();
        host.Scheduler.Fork(parent, child);
        Assert.Equal(4, host.Pool.Used);

        host.Scheduler.Remove(parent);
        Assert.Equal(3, host.Pool.Used);
        host.Scheduler.Remove(child);

        Assert.Equal(0, host.Pool.Used);
    }

    [Fact]
    public void Fork_NoRoom_IsQueuedAndFindsTheFullBlocks()
    {
        var host = new SchedulerHost(maxRunning: 1);
        var (parent, child) = (host.Enqueue(40), host.Sequence(40));
        host.Step();

        host.Scheduler.Fork(parent, child);
        Assert.Equal(1, host.Scheduler.Waiting);
        host.Scheduler.Remove(parent);

        Assert.Equal([child], host.Scheduler.TakeUp());
        Assert.Equal(32, child.Computed);
    }

    [Fact]
    public void Enqueue_ForkedSession_SharesTheBlocksOfTheOther()
    {
        // A forked session is a second one with the same beginning.
        var host = new SchedulerHost();
        var first = host.Enqueue(80);
        host.Step();
        var second = host.Enqueue(80);
        host.Step();

        Assert.Equal(first.Blocks[..4], second.Blocks[..4]);
        Assert.All(first.Blocks[..4], block => Assert.Equal(2, host.Pool.ReferencesOf(block)));
    }
}
