using LlavaCluster.Model.Kernels;
using Xunit;

namespace LlavaCluster.Model.Tests.Kernels;

public sealed class WorkerPoolTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 100)]
    [InlineData(3, 0)]
    [InlineData(3, 2)]
    [InlineData(3, 1000)]
    [InlineData(8, 3)] // more workers than processors: some wake when the work is done
    public void Run_AnyNumberOfItems_DoesEachOnce(int workers, int items)
    {
        using var pool = new WorkerPool(workers);
        var work = new Counting(items);
        for (var round = 1; round <= 200; round++)
        {
            pool.Run(work);
            Assert.All(work.Done, times => Assert.Equal(round, times));
        }
    }

    [Fact]
    public void Run_WorkThatFails_ThrowsInTheCallerAndGoesOn()
    {
        using var pool = new WorkerPool(2);
        Assert.Equal("item 7", Assert.Throws<InvalidOperationException>(() => pool.Run(new Failing())).Message);
        var work = new Counting(50);
        pool.Run(work);
        Assert.All(work.Done, times => Assert.Equal(1, times));
    }

    [Fact]
    public void Run_FromSeveralThreads_TakesTurns()
    {
        using var pool = new WorkerPool(2);
        var works = Enumerable.Range(0, 4).Select(_ => new Counting(200)).ToArray();
        var threads = works.Select(work => new Thread(() => pool.Run(work))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.All(works, work => Assert.All(work.Done, times => Assert.Equal(1, times)));
    }

    [Fact]
    public void Run_AgainAndAgain_AllocatesNothing()
    {
        using var pool = new WorkerPool(2);
        var work = new Counting(16);
        pool.Run(work);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            pool.Run(work);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private sealed class Counting(int items) : ParallelWork
    {
        public int[] Done { get; } = new int[items];

        public override int Items => Done.Length;

        public override void Do(int item, int worker) => Interlocked.Increment(ref Done[item]);
    }

    private sealed class Failing : ParallelWork
    {
        public override int Items => 20;

        public override void Do(int item, int worker)
        {
            if (item == 7)
            {
                throw new InvalidOperationException("item 7");
            }
        }
    }
}
