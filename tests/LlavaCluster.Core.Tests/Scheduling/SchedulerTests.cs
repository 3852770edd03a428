using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using Xunit;

namespace LlavaCluster.Core.Tests.Scheduling;

public sealed class SchedulerTests
{
    private static readonly ImageHash Cat = ImageHash.Of("cat"u8);
    private long _number;

    [Fact]
    public void Plan_ManyPrompts_StaysInTheBudgetAndPutsDecodesFirst()
    {
        var scheduler = Make(stepTokens: 20, out _);
        var decoding = Sequence(8);
        scheduler.Enqueue(decoding);
        scheduler.TakeUp();
        Run(scheduler, sampled: 500);
        scheduler.Enqueue(Sequence(30));
        scheduler.Enqueue(Sequence(30));
        scheduler.TakeUp();

        var parts = scheduler.Plan();

        Assert.Equal([(decoding.Number, 1), (decoding.Number + 1, 19)], parts.Select(p => (p.Sequence.Number, p.Count)));
    }

    [Fact]
    public void Plan_ChunkEndsInsideAnImage_NamesThePartsOfTheImage()
    {
        var scheduler = Make(stepTokens: 16, out _);
        scheduler.Enqueue(Sequence(40, [new ImageSpan(10, 20, Cat, 7, 8)]));
        scheduler.TakeUp();

        var first = Run(scheduler, sampled: 500);
        var second = Run(scheduler, sampled: 500);

        Assert.Equal([new ImageSlice(Cat, 7, 8, FirstToken: 0, At: 10, Count: 6)], first.Slices[0].Images);
        Assert.Equal([new ImageSlice(Cat, 7, 8, FirstToken: 6, At: 0, Count: 14)], second.Slices[0].Images);
        Assert.Equal((0, 16, 1), (first.Slices[0].Start, first.Slices[0].TokenIds.Length, first.Slices[0].Blocks.Count));
        Assert.Equal((16, 16, 2), (second.Slices[0].Start, second.Slices[0].TokenIds.Length, second.Slices[0].Blocks.Count));
        Assert.Null(first.Slices[0].Sample);
    }

    [Fact]
    public void Plan_MissingImage_ComputesOnlyWhatStandsBeforeIt()
    {
        var scheduler = Make(stepTokens: 64, out _);
        var sequence = Sequence(40, [new ImageSpan(10, 20, Cat, 7, 8)]);
        scheduler.Enqueue(sequence);
        scheduler.TakeUp();
        sequence.MissingImages.Add(Cat);

        Assert.Equal(10, Run(scheduler, sampled: 500).Slices[0].TokenIds.Length);
        Assert.Empty(scheduler.Plan());
        sequence.MissingImages.Clear();
        Assert.Equal(30, Run(scheduler, sampled: 500).Slices[0].TokenIds.Length);
    }

    [Fact]
    public void TakeUp_SamePromptAgain_ComputesAtLeastOneToken()
    {
        var scheduler = Make(stepTokens: 64, out var pool);
        var first = Sequence(32);
        scheduler.Enqueue(first);
        scheduler.TakeUp();
        Run(scheduler, sampled: 500);
        scheduler.Remove(first);

        var second = Sequence(32);
        scheduler.Enqueue(second);
        scheduler.TakeUp();

        // Both blocks are known, but the last token must be computed to get logits: so must its block.
        Assert.Equal(16, second.CachedTokens);
        Assert.Equal((16, 16), (scheduler.Plan()[0].Sequence.Computed, scheduler.Plan()[0].Count));
        scheduler.Remove(second);
        Assert.Equal(pool.Total, pool.Free);
    }

    [Fact]
    public void TakeUp_NoBlocks_WaitsUntilSomeAreFree()
    {
        var scheduler = Make(stepTokens: 128, out _, blocks: 4);
        var (first, second) = (Sequence(40), Sequence(40, start: 500));
        scheduler.Enqueue(first);
        scheduler.Enqueue(second);

        Assert.Equal([first], scheduler.TakeUp());
        Assert.Equal(1, scheduler.Waiting);
        scheduler.Remove(first);
        Assert.Equal([second], scheduler.TakeUp());
    }

    [Fact]
    public void Plan_BlocksRunOut_PutsTheYoungestBack()
    {
        var scheduler = Make(stepTokens: 128, out var pool, blocks: 4);
        var (old, young) = (Sequence(31), Sequence(31, start: 500));
        scheduler.Enqueue(old);
        scheduler.Enqueue(young);
        scheduler.TakeUp();
        Run(scheduler, sampled: 500);
        Run(scheduler, sampled: 501);

        var parts = scheduler.Plan();

        Assert.Equal([(old, 1)], parts);
        Assert.Equal(1, scheduler.Waiting);
        Assert.Equal((0, 0), (young.Computed, young.Blocks.Count));
        Assert.Equal(1, pool.Free);
    }

    [Fact]
    public void Constructor_BudgetBelowRunning_IsRefused()
    {
        var pool = new BlockPool(1);
        var error = Assert.Throws<ArgumentException>(
            () => new Scheduler(new SchedulerLimits(4, 8, 16, 100), pool, new PrefixCache(pool)));

        Assert.StartsWith("A step of 4 tokens cannot serve 8 running sequences; raise one or lower the other.", error.Message);
    }

    [Fact]
    public void MaxTokens_PromptTooLong_SaysTheNumbers()
    {
        var request = Request(5210, [new ImageSpan(100, 2928, Cat, 640, 480)]);

        var error = Assert.Throws<SequenceRefusedException>(() => AdmissionRule.MaxTokens(request, 4096, 4096));

        Assert.Equal(
            "Prompt has 5,210 tokens (2,928 from images); this model takes 4,096. Shorten the text or send fewer images.",
            error.Message);
        Assert.Equal(RefusalReason.NeverFits, error.Reason);
    }

    [Theory]
    [InlineData(4095, 1)]
    [InlineData(4000, 96)]
    [InlineData(100, 200)]
    public void MaxTokens_PromptFits_IsCutToTheContext(int prompt, int expected) =>
        Assert.Equal(expected, AdmissionRule.MaxTokens(Request(prompt, []), 4096, 4096));

    [Fact]
    public void MaxTokens_BlocksTooFew_SaysTheNumbers()
    {
        var error = Assert.Throws<SequenceRefusedException>(() => AdmissionRule.MaxTokens(Request(2000, []), 4096, 1600));

        Assert.Equal(
            "Prompt has 2,000 tokens; the KV blocks of this replica hold 1,600. Shorten the text or send fewer images.", error.Message);
    }

    private static Scheduler Make(int stepTokens, out BlockPool pool, int blocks = 64)
    {
        pool = new BlockPool(blocks);
        return new Scheduler(new SchedulerLimits(stepTokens, 8, 16, 4096), pool, new PrefixCache(pool));
    }

    private static SequenceRequest Request(int length, ImageSpan[] images, int start = 100) => new()
    {
        Name = "test",
        TokenIds = [.. Enumerable.Range(start, length)],
        Images = images,
        Sampling = SamplingOptions.Greedy,
        Seed = 0,
        Turn = 0,
        MaxTokens = 200,
    };

    /// <summary>One step, as a loop would do it: every sequence that asks gets the same token.</summary>
    private static StepPlan Run(Scheduler scheduler, int sampled)
    {
        var parts = scheduler.Plan();
        var plan = scheduler.Compose(0, 0, parts);
        foreach (var ((sequence, count), slice) in parts.Zip(plan.Slices))
        {
            scheduler.Commit(sequence, count);
            if (slice.Sample is not null)
            {
                sequence.Append(sampled);
            }
        }

        return plan;
    }

    private Sequence Sequence(int length, ImageSpan[]? images = null, int start = 100) =>
        new(++_number, Request(length, images ?? [], start), 200, 16);
}
