using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Scheduling;
using Xunit;

namespace LlavaCluster.Core.Tests.Scheduling;

public sealed class SchedulerTests
{
    private static readonly ImageHash Cat = ImageHash.Of("cat"u8);

    [Fact]
    public void Plan_ManyPrompts_StaysInTheBudgetAndPutsDecodesFirst()
    {
        var host = new SchedulerHost(stepTokens: 20);
        host.Enqueue(8);
        host.Step();
        host.Enqueue(30);
        host.Enqueue(30);

        Assert.Equal([(1, 1), (2, 19)], host.Parts());
        Assert.Equal([(1, 1), (2, 11), (3, 8)], host.Parts());
    }

    [Fact]
    public void Plan_ChunkEndsInsideAnImage_NamesThePartsOfTheImage()
    {
        var host = new SchedulerHost(stepTokens: 16);
        host.Enqueue(40, [new ImageSpan(10, 20, Cat, 7, 8)]);

        var first = host.Step();
        var second = host.Step();

        Assert.Equal([new ImageSlice(Cat, 7, 8, FirstToken: 0, At: 10, Count: 6)], first.Slices[0].Images);
        Assert.Equal([new ImageSlice(Cat, 7, 8, FirstToken: 6, At: 0, Count: 14)], second.Slices[0].Images);
        Assert.Equal((0, 16, 3), (first.Slices[0].Start, first.Slices[0].TokenIds.Length, first.Slices[0].Blocks.Count));
        Assert.Equal((16, 16, 3), (second.Slices[0].Start, second.Slices[0].TokenIds.Length, second.Slices[0].Blocks.Count));
        Assert.Null(first.Slices[0].Sample);
    }

    [Fact]
    public void Plan_MissingImage_ComputesOnlyWhatStandsBeforeIt()
    {
        var host = new SchedulerHost();
        var sequence = host.Enqueue(40, [new ImageSpan(10, 20, Cat, 7, 8)]);
        host.Scheduler.TakeUp();
        sequence.MissingImages.Add(Cat);

        Assert.Equal([(1, 10)], host.Parts());
        Assert.Empty(host.Parts());
        sequence.MissingImages.Clear();
        Assert.Equal([(1, 30)], host.Parts());
    }

    [Theory]
    [InlineData(36, new[] { 32, 32, 6 })]
    [InlineData(64, new[] { 64, 6 })]
    [InlineData(200, new[] { 70 })]
    public void Plan_Chunks_EndOnTheGrid(int stepTokens, int[] chunks)
    {
        var host = new SchedulerHost(stepTokens, maxRunning: 4, chunkTokens: 32);
        host.Enqueue(70);

        Assert.Equal(chunks, chunks.Select(_ => host.Parts().Single().Count));
    }

    [Fact]
    public void Plan_MissingImage_StopsAtTheGridBeforeIt()
    {
        // Where the prompt is cut must not depend on when the image came.
        var host = new SchedulerHost(chunkTokens: 32);
        var sequence = host.Enqueue(80, [new ImageSpan(50, 20, Cat, 7, 8)]);
        host.Scheduler.TakeUp();
        sequence.MissingImages.Add(Cat);

        Assert.Equal([(1, 32)], host.Parts());
        Assert.Empty(host.Parts());
    }

    [Theory]
    [InlineData(512, 64)]
    [InlineData(60, 48)] // 53 are left, which are 3 blocks
    [InlineData(16, 9)]
    [InlineData(8, 1)]
    public void ChunkTokens_MoreThanDecodesLeave_AreCut(int stepTokens, int expected) =>
        Assert.Equal(expected, new SchedulerLimits(stepTokens, 8, 16, 4096) { ChunkTokens = 64 }.ChunkTokens);

    [Fact]
    public void TakeUp_SamePromptAgain_ComputesAtLeastOneToken()
    {
        var host = new SchedulerHost();
        var first = host.Enqueue(32);
        host.Step();
        host.Scheduler.Remove(first);

        var second = host.Enqueue(32);

        // Both blocks are known, but the last token must be computed to get logits: so must its block.
        Assert.Equal([(2, 16)], host.Parts());
        Assert.Equal(16, second.CachedTokens);
        host.Scheduler.Remove(second);
        Assert.Equal(host.Pool.Total, host.Pool.Free);
    }

    [Fact]
    public void TakeUp_NoBlocks_WaitsUntilSomeAreFree()
    {
        var host = new SchedulerHost(blocks: 4);
        var (first, second) = (host.Enqueue(40), host.Enqueue(40, start: 500));

        Assert.Equal([first], host.Scheduler.TakeUp());
        Assert.Equal(1, host.Scheduler.Waiting);
        host.Scheduler.Remove(first);
        Assert.Equal([second], host.Scheduler.TakeUp());
    }

    [Fact]
    public void TakeUp_KnownBlocksThatNobodyHolds_CountAsTaken()
    {
        // Four blocks, of which two are known and free: a prompt of four blocks fits, one of five does not.
        var host = new SchedulerHost(blocks: 4);
        host.Scheduler.Remove(StepOf(host.Enqueue(33), host));

        host.Enqueue(65);
        Assert.Empty(host.Scheduler.TakeUp());
        var fits = host.Enqueue(64);
        Assert.Equal([fits], host.Scheduler.TakeUp());
        Assert.Equal((32, 0), (fits.CachedTokens, host.Pool.Free));
    }

    [Fact]
    public void TakeUp_OthersRun_LeavesEachABlockToGrow()
    {
        var host = new SchedulerHost(blocks: 6);
        host.Enqueue(32);
        host.Enqueue(32, start: 500);
        host.Enqueue(16, start: 900);

        Assert.Equal(2, host.Scheduler.TakeUp().Count);
        Assert.Equal(2, host.Pool.Free);
    }

    [Fact]
    public void Plan_BlocksRunOut_PutsTheYoungestBack()
    {
        var host = new SchedulerHost(blocks: 5);
        var (old, young) = (host.Enqueue(31), host.Enqueue(31, start: 500));
        var told = new List<(Sequence, int)>();
        host.Scheduler.Preempted = sequence => told.Add((sequence, sequence.Computed));
        host.Step(500);
        host.Step(501);
        Assert.Equal(2, host.Scheduler.Running.Count);

        // Both need a third block; there is one.
        var parts = host.Scheduler.Plan();

        Assert.Equal([(old, 1)], parts);
        Assert.Equal((1, 1), (host.Scheduler.Waiting, young.Preemptions));
        Assert.Equal([(young, 32)], told);
        Assert.Equal((0, 0), (young.Computed, young.Blocks.Count));
        Assert.Equal(2, host.Pool.Free);
    }

    [Fact]
    public void TakeUp_AfterPreemption_FindsItsOwnBlocksAgain()
    {
        var host = new SchedulerHost(blocks: 5);
        var (old, young) = (host.Enqueue(31), host.Enqueue(31, start: 500));
        host.Step();
        host.Step();
        host.Step();
        Assert.Equal(1, young.Preemptions);
        host.Scheduler.Remove(old);

        // 32 positions were computed, and two full blocks of them survived.
        Assert.Equal([young], host.Scheduler.TakeUp());
        Assert.Equal((32, 33, 0), (young.Computed, young.Length, young.CachedTokens));
    }

    [Fact]
    public void TakeUp_SomebodyWasPreempted_NobodyNewTakesItsBlocks()
    {
        var host = new SchedulerHost(blocks: 5);
        host.Enqueue(31);
        var young = host.Enqueue(31, start: 500);
        host.Step();
        host.Step();
        host.Step();
        Assert.Equal(1, young.Preemptions);
        host.Enqueue(3, start: 900);

        Assert.Empty(host.Scheduler.TakeUp());
    }

    [Fact]
    public void Constructor_BudgetBelowRunning_IsRefused()
    {
        var pool = new BlockPool(1);
        var error = Assert.Throws<ArgumentException>(
            () => new Scheduler(new SchedulerLimits(4, 8, 16, 100), pool, new PrefixCache(pool)));

        Assert.StartsWith("A step of 4 tokens cannot serve 8 running sequences; raise one or lower the other.", error.Message);
    }

    private static Sequence StepOf(Sequence sequence, SchedulerHost host)
    {
        host.Step();
        return sequence;
    }
}
