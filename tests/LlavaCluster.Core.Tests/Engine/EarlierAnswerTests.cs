using LlavaCluster.Core.Engine;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Engine;

/// <summary>Turns that an earlier run had begun to answer.</summary>
public sealed class EarlierAnswerTests
{
    [Theory]
    [InlineData(1, null)]
    [InlineData(17, null)]
    [InlineData(29, null)]
    [InlineData(17, 42UL)]
    public async Task Generate_GoesOnBehindIt_WithTheTokensOfAnUndisturbedRun(int answered, ulong? seed)
    {
        await using var host = await StartAsync();
        var request = Request(Prompt(40), maxTokens: 30, seed: seed);
        var whole = await host.TokensAsync(request);

        var events = await host.AllAsync(request with { Answered = whole[..answered] }).WaitAsync(Patience);

        Assert.Equal(40, Assert.IsType<GenerationEvent.Started>(events[0]).PromptTokens);
        Assert.Equal(answered, events.OfType<GenerationEvent.Generated>().First().Offset);
        Assert.Equal(whole[answered..], TokensOf(events));
        // The fake rule holds one word back: that of the last token told before comes now.
        Assert.Equal(FakeStopRule.TextOf(whole[(answered - 1)..]), TextOf(events));
        Assert.Equal(FinishReason.Length, Assert.IsType<GenerationEvent.Finished>(events[^1]).Reason);
    }

    [Fact]
    public async Task Generate_AllTokensWereThere_EndsWithoutAStep()
    {
        await using var host = await StartAsync();
        var whole = FakeModel.Answer(Prompt(40), [], 10);

        var events = await host.AllAsync(Request(Prompt(40), maxTokens: 10) with { Answered = whole }).WaitAsync(Patience);

        Assert.Empty(host.Runner.Plans);
        Assert.Equal(2, events.Count);
        var finished = Assert.IsType<GenerationEvent.Finished>(events[^1]);
        Assert.Equal((FinishReason.Length, FakeStopRule.TextOf(whole[^1..])), (finished.Reason, finished.Text));
        Assert.Equal(0, host.Loop.Load.Waiting);
    }

    [Fact]
    public async Task Generate_StopTextWasComplete_EndsWithStop()
    {
        await using var loop = new DecodeLoop(
            () => new FakeModelRunner(new RunnerCapacity(16, 16, 256, FakeModel.Vocabulary)),
            new SingleRankLink(),
            new FakeFeatureSource(),
            _ => new StopsAt(30),
            TimeProvider.System,
            new DecodeLoopOptions());
        await loop.StartAsync().WaitAsync(Patience);

        var events = new List<GenerationEvent>();
        await foreach (var next in loop.GenerateAsync(Request(Prompt(8), maxTokens: 10) with { Answered = [20, 30] }, default))
        {
            events.Add(next);
        }

        Assert.Equal(FinishReason.Stop, Assert.IsType<GenerationEvent.Finished>(events[^1]).Reason);
        Assert.Equal("", TextOf(events));
    }

    /// <summary>One id completes a stop text.</summary>
    private sealed class StopsAt(int last) : IStopRule
    {
        public StopVerdict Push(int id) => new("", id == last ? StopOutcome.StopText : StopOutcome.GoesOn);

        public string Flush() => "";
    }
}
