using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Engine;

/// <summary>Several answers to one request.</summary>
public sealed class DecodeLoopChoicesTests
{
    private static readonly ImageHash Cat = ImageHash.Of("cat"u8);

    [Theory]
    [InlineData(40)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(1)]
    public async Task Generate_Choices_EachAnswersByItsOwnSeed(int length)
    {
        await using var host = await StartAsync();
        var prompt = Prompt(length);

        var events = await host.AllAsync(Request(prompt, 20, seed: 7, choices: 4)).WaitAsync(Patience);

        for (var choice = 0; choice < 4; choice++)
        {
            Assert.Equal(FakeModel.Answer(prompt, [], 20, CounterSeed.Of(7, choice)), TokensOf(events, choice));
        }

        Assert.Equal(4, events.OfType<GenerationEvent.Started>().Select(e => e.Choice).Distinct().Count());
        Assert.Equal(4, events.OfType<GenerationEvent.Finished>().Select(e => e.Choice).Distinct().Count());
        await host.UntilAsync(load => load is { Running: 0, Waiting: 0, FreeBlocks: 64 });
    }

    [Fact]
    public async Task Generate_Choices_ComputeThePromptOnce()
    {
        await using var host = await StartAsync();

        await host.AllAsync(Request(Prompt(40), 5, choices: 3)).WaitAsync(Patience);

        // The prompt, then its last token once more for each of the others, beside the first one's answer.
        Assert.Equal([40, 3], host.Runner.Plans.Take(2).Select(plan => plan.Slices.Sum(slice => slice.TokenIds.Length)));
        Assert.Equal(2, host.Runner.Plans.ElementAt(1).BlockCopies.Count);
    }

    [Fact]
    public async Task Generate_ChoicesWithoutRoom_AreQueuedAndAnswerTheSame()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { MaxRunning = 2 }, blocks: 9);
        ImageSpan[] images = [new(4, 30, Cat, 8, 6)];
        var prompt = Prompt(50);
        Array.Fill(prompt, FakeModel.Placeholder, 4, 30);

        var events = await host.AllAsync(Request(prompt, 40, images, seed: 7, choices: 5)).WaitAsync(Patience);

        for (var choice = 0; choice < 5; choice++)
        {
            Assert.Equal(FakeModel.Answer(prompt, images, 40, CounterSeed.Of(7, choice)), TokensOf(events, choice));
        }
    }

    [Fact]
    public async Task Generate_PromptEndsWithAnImage_ItsOtherAnswersHaveItToo()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { IdleImages = 0 });
        ImageSpan[] images = [new(4, 30, Cat, 8, 6)];
        var prompt = Prompt(34);
        Array.Fill(prompt, FakeModel.Placeholder, 4, 30);

        var events = await host.AllAsync(Request(prompt, 5, images, choices: 2)).WaitAsync(Patience);

        Assert.Equal(FakeModel.Answer(prompt, images, 5), TokensOf(events, 1));
    }

    [Fact]
    public async Task Cancel_BeforeThePromptIsComputed_EndsAllChoices()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { StepTokens = 16, MaxRunning = 4 });
        var gate = new StepGate();
        host.Runner.BeforeStep = gate.Pass;
        using var cancel = new CancellationTokenSource();
        var running = host.AllAsync(Request(Prompt(100), 500, choices: 3), cancel.Token);
        await gate.ArrivedAsync();
        Assert.Equal(2, host.Loop.Load.Waiting);

        await cancel.CancelAsync();
        gate.Open();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await host.UntilAsync(load => load is { Running: 0, Waiting: 0, FreeBlocks: 64 });
    }

    [Fact]
    public async Task Run_ThrowsInThePrompt_AllChoicesFail()
    {
        await using var host = await StartAsync();
        host.Runner.BeforeStep = _ => throw new InvalidOperationException("no memory");

        var events = await host.AllAsync(Request(Prompt(20), choices: 3)).WaitAsync(Patience);

        Assert.Equal(
            Enumerable.Range(0, 3).Select(choice => (choice, FinishReason.Failed)),
            events.OfType<GenerationEvent.Finished>().Select(e => (e.Choice, e.Reason)));
        await host.UntilAsync(load => load is { Running: 0, Waiting: 0, FreeBlocks: 64 });
    }

    [Fact]
    public async Task Generate_BadImage_FailsTheWholeRequest()
    {
        await using var host = await StartAsync();
        host.Features.Failures[Cat] = new BadImageException("not an image");
        ImageSpan[] images = [new(4, 30, Cat, 8, 6)];
        var prompt = Prompt(50);
        Array.Fill(prompt, FakeModel.Placeholder, 4, 30);

        await Assert.ThrowsAsync<BadImageException>(() => host.AllAsync(Request(prompt, 5, images, choices: 3)).WaitAsync(Patience));

        await host.UntilAsync(load => load is { Running: 0, Waiting: 0, FreeBlocks: 64 });
    }

    [Fact]
    public async Task Generate_MoreChoicesThanPlacesInTheQueue_SaysTheNumbers()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { MaxRunning = 1, MaxWaiting = 3 });
        var gate = new StepGate();
        host.Runner.BeforeStep = gate.Pass;
        var first = host.TokensAsync(Request(Prompt(20), 3));
        await gate.ArrivedAsync();
        var second = host.TokensAsync(Request(Prompt(20, 1), 3));

        var full = await Assert.ThrowsAsync<SequenceRefusedException>(() => host.AllAsync(Request(Prompt(20), choices: 3)));
        var never = await Assert.ThrowsAsync<SequenceRefusedException>(() => host.AllAsync(Request(Prompt(20), choices: 4)));

        Assert.Equal(
            "1 sequences wait already and this request has 3; this replica lets 3 wait. Try again in a moment.", full.Message);
        Assert.Equal((RefusalReason.QueueFull, RefusalReason.NeverFits), (full.Reason, never.Reason));
        gate.Open();
        await Task.WhenAll(first, second);
    }
}
