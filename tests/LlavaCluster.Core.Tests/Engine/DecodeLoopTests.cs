using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Engine;

public sealed class DecodeLoopTests
{
    private static readonly ImageHash Cat = ImageHash.Of("cat"u8), Dog = ImageHash.Of("dog"u8);

    [Fact]
    public async Task Generate_OneSequence_TellsStartedTokensFinished()
    {
        await using var host = await StartAsync();
        var prompt = Prompt(40);

        var events = await host.AllAsync(Request(prompt, maxTokens: 5)).WaitAsync(Patience);

        var expected = FakeModel.Answer(prompt, [], 5);
        Assert.Equal(new GenerationEvent.Started(40, 0), events[0]);
        Assert.Equal(expected, TokensOf(events));
        Assert.Equal([0, 1, 2, 3, 4], events.OfType<GenerationEvent.Generated>().Select(e => e.Offset));
        var finished = Assert.IsType<GenerationEvent.Finished>(events[^1]);
        Assert.Equal(FinishReason.Length, finished.Reason);
        Assert.Equal(FakeStopRule.TextOf(expected), TextOf(events));
    }

    [Fact]
    public async Task Generate_EndOfSequence_IsNoPartOfTheAnswer()
    {
        var prompt = Prompt(20);
        var whole = FakeModel.Answer(prompt, [], 6);
        await using var host = await StartAsync(isEnd: id => id == whole[4]);

        var events = await host.AllAsync(Request(prompt, maxTokens: 100)).WaitAsync(Patience);

        Assert.Equal(whole[..4], TokensOf(events));
        Assert.Equal(FakeStopRule.TextOf(whole[..4]), TextOf(events));
        var finished = Assert.IsType<GenerationEvent.Finished>(events[^1]);
        Assert.Equal((FinishReason.Stop, whole[4]), (finished.Reason, finished.End!.Value.Id));
    }

    [Fact]
    public async Task Generate_AtTheEndOfTheContext_FinishesWithLength()
    {
        await using var host = await StartAsync(maxPositions: 50);

        var events = await host.AllAsync(Request(Prompt(45), maxTokens: 100)).WaitAsync(Patience);

        Assert.Equal(5, TokensOf(events).Length);
        Assert.Equal(FinishReason.Length, Assert.IsType<GenerationEvent.Finished>(events[^1]).Reason);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(33)]
    public async Task Generate_PromptInChunks_EqualsWhole(int stepTokens)
    {
        await using var host = await StartAsync(new DecodeLoopOptions { StepTokens = stepTokens, MaxRunning = 1 });
        ImageSpan[] images = [new(9, 30, Cat, 8, 6), new(60, 50, Dog, 8, 6)];
        var prompt = WithPlaceholders(Prompt(130), images);

        var tokens = await host.TokensAsync(Request(prompt, 8, images));

        Assert.Equal(FakeModel.Answer(prompt, images, 8), tokens);
        Assert.All(host.Runner.Plans, plan => Assert.InRange(plan.Slices.Sum(s => s.TokenIds.Length), 1, stepTokens));
        Assert.Equal(Enumerable.Range(0, host.Runner.Plans.Count).Select(i => (long)i), host.Runner.Plans.Select(p => p.Step));
    }

    [Fact]
    public async Task Generate_ManyAtOnce_EqualsAlone()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { StepTokens = 24, MaxRunning = 4 });
        ImageSpan[] images = [new(9, 30, Cat, 8, 6)];

        var requests = Enumerable.Range(0, 12).Select(i => i % 3 == 0
            ? Request(WithPlaceholders(Prompt(60 + i, i), images), 20, images)
            : Request(Prompt(30 + i, i), 20, seed: (ulong)i)).ToArray();
        var answers = await Task.WhenAll(requests.Select(host.TokensAsync));

        Assert.All(requests.Zip(answers), pair => Assert.Equal(
            FakeModel.Answer(pair.First.TokenIds, pair.First.Images, 20, pair.First.Seed), pair.Second));
    }

    [Fact]
    public async Task Generate_BlocksRunOut_PreemptedSequencesAnswerTheSame()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { StepTokens = 64, MaxRunning = 4 }, blocks: 10);
        ImageSpan[] images = [new(2, 20, Cat, 8, 6)];

        var requests = Enumerable.Range(0, 4)
            .Select(i => Request(WithPlaceholders(Prompt(30, i), images), 60, images)).ToArray();
        var answers = await Task.WhenAll(requests.Select(host.TokensAsync));

        Assert.All(requests.Zip(answers), pair => Assert.Equal(FakeModel.Answer(pair.First.TokenIds, images, 60), pair.Second));
        Assert.Equal(10, host.Loop.Load.FreeBlocks);
    }

    [Fact]
    public async Task Generate_NextTurn_FindsTheKvOfTheLast()
    {
        await using var host = await StartAsync();
        ImageSpan[] images = [new(4, 50, Cat, 8, 6)];
        var prompt = WithPlaceholders(Prompt(70), images);
        var answer = await host.TokensAsync(Request(prompt, 10, images));
        int[] next = [.. prompt, .. answer, .. Prompt(15, 3)];

        var events = await host.AllAsync(Request(next, 10, images)).WaitAsync(Patience);

        // 79 positions were computed (the last token of an answer never is): four full blocks.
        Assert.Equal(new GenerationEvent.Started(95, 64), events[0]);
        Assert.Equal(FakeModel.Answer(next, images, 10), TokensOf(events));
        Assert.Equal(1, host.Features.Asked[Cat]);
    }

    [Fact]
    public async Task Generate_ImageWhollyInTheCache_IsNotAskedFor()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { IdleImages = 0 });
        ImageSpan[] images = [new(0, 32, Cat, 8, 6)];
        await host.TokensAsync(Request(WithPlaceholders(Prompt(40), images), 2, images));

        await host.TokensAsync(Request(WithPlaceholders(Prompt(60), images), 2, images));

        Assert.Equal(1, host.Features.Asked[Cat]);
        Assert.Equal([$"load {Cat.Hex[..8]}", "run 0", $"forget {Cat.Hex[..8]}"], host.Runner.Calls.Take(3));
    }

    [Fact]
    public async Task Generate_OtherImageOrTenant_FindsNothing()
    {
        await using var host = await StartAsync();
        ImageSpan[] cat = [new(0, 32, Cat, 8, 6)], dog = [new(0, 32, Dog, 8, 6)];
        var prompt = WithPlaceholders(Prompt(40), cat);
        await host.TokensAsync(Request(prompt, 2, cat));

        var other = await host.AllAsync(Request(prompt, 2, dog)).WaitAsync(Patience);
        var stranger = await host.AllAsync(Request(prompt, 2, cat, tenant: "someone")).WaitAsync(Patience);

        Assert.Equal(new GenerationEvent.Started(40, 0), other[0]);
        Assert.Equal(new GenerationEvent.Started(40, 0), stranger[0]);
        Assert.Equal(FakeModel.Answer(prompt, dog, 2), TokensOf(other));
    }

    [Fact]
    public async Task Generate_TooLong_IsRefusedAtOnce()
    {
        await using var host = await StartAsync(maxPositions: 100);

        var error = await Assert.ThrowsAsync<SequenceRefusedException>(() => host.AllAsync(Request(Prompt(100))));

        Assert.Equal("Prompt has 100 tokens (0 from images); this model takes 100. Shorten the text or send fewer images.", error.Message);
        Assert.Equal(new EngineLoad(0, 0, 64, 64), host.Loop.Load);
    }

    [Fact]
    public async Task Generate_ImageSlow_OthersGoOnMeanwhile()
    {
        await using var host = await StartAsync();
        var hold = new TaskCompletionSource();
        host.Features.Before = (_, token) => hold.Task.WaitAsync(token);
        ImageSpan[] images = [new(4, 30, Cat, 8, 6)];
        var prompt = WithPlaceholders(Prompt(50), images);
        var slow = host.TokensAsync(Request(prompt, 5, images));

        Assert.Equal(FakeModel.Answer(Prompt(20, 2), [], 5), await host.TokensAsync(Request(Prompt(20, 2), 5)));
        Assert.False(slow.IsCompleted);
        hold.SetResult();

        Assert.Equal(FakeModel.Answer(prompt, images, 5), await slow);
    }

    [Theory]
    [InlineData(4, 0, 3)] // near the start: they wait in the queue, without blocks
    [InlineData(40, 1, 3)] // behind another picture that is there: they have begun, and hold blocks
    [InlineData(4, 0, 9)] // those that no longer wait when their turn to wait comes let others follow
    public async Task Generate_AsManyWaitForImagesAsMayRun_OthersAreAnswered(int offset, int quickImages, int sequences)
    {
        await using var host = await StartAsync(new DecodeLoopOptions { MaxRunning = 2 });
        var hold = new TaskCompletionSource();
        host.Features.Before = (image, token) => image == Dog ? hold.Task.WaitAsync(token) : Task.CompletedTask;
        ImageSpan[] images = [.. new ImageSpan[] { new(2, 20, Cat, 8, 6) }[..quickImages], new(offset, 30, Dog, 8, 6)];
        var slow = Enumerable.Range(0, sequences).Select(i => Request(WithPlaceholders(Prompt(90, i), images), 5, images)).ToArray();
        var answers = slow.Select(host.TokensAsync).ToArray();

        Assert.Equal(FakeModel.Answer(Prompt(20, 7), [], 5), await host.TokensAsync(Request(Prompt(20, 7), 5)));
        Assert.All(answers, answer => Assert.False(answer.IsCompleted));
        hold.SetResult();

        Assert.All(slow.Zip(await Task.WhenAll(answers)), pair => Assert.Equal(FakeModel.Answer(pair.First.TokenIds, images, 5), pair.Second));
        Assert.All(host.Runner.Plans, plan => Assert.InRange(plan.Slices.Count, 1, 2));
        await host.UntilAsync(load => load is { Running: 0, Waiting: 0, FreeBlocks: 64 });
    }

    [Fact]
    public async Task Generate_BadImage_FailsOnlyItsSequence()
    {
        await using var host = await StartAsync();
        host.Features.Failures[Cat] = new BadImageException("not an image");
        ImageSpan[] images = [new(4, 30, Cat, 8, 6)];
        var healthy = host.TokensAsync(Request(Prompt(20, 2), 30));

        var error = await Assert.ThrowsAsync<BadImageException>(
            () => host.AllAsync(Request(WithPlaceholders(Prompt(50), images), 5, images)).WaitAsync(Patience));

        Assert.Equal("not an image", error.Message);
        Assert.Equal(FakeModel.Answer(Prompt(20, 2), [], 30), await healthy);
        await host.UntilAsync(load => load.FreeBlocks == load.TotalBlocks);
    }

    [Fact]
    public async Task Generate_FeaturesOfAnotherSize_FailTheSequence()
    {
        await using var host = await StartAsync();
        host.Features.Answer = span => FakeFeatureSource.FeaturesOf(span.Image, span.Width + 1, span.Height);
        ImageSpan[] images = [new(4, 30, Cat, 8, 6)];

        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => host.AllAsync(Request(WithPlaceholders(Prompt(50), images), 5, images)).WaitAsync(Patience));

        Assert.Equal($"Features are of image {Cat} with 9×6 pixels; the sequence has {Cat} with 8×6.", error.Message);
    }

    [Fact]
    public async Task Run_Throws_OnlyTheSequenceAtFaultFails()
    {
        await using var host = await StartAsync();
        var gate = new StepGate();
        host.Runner.BeforeStep = plan =>
        {
            gate.Pass(plan);
            if (plan.Slices.Any(s => s.TokenIds.Length == 33))
            {
                throw new InvalidOperationException("poison");
            }
        };
        var healthy = host.TokensAsync(Request(Prompt(20, 2), 30));
        await gate.ArrivedAsync();
        var poisoned = host.AllAsync(Request(Prompt(33), 30));
        gate.Open();

        Assert.Equal(FinishReason.Failed, Assert.IsType<GenerationEvent.Finished>((await poisoned.WaitAsync(Patience))[^1]).Reason);
        Assert.Equal(FakeModel.Answer(Prompt(20, 2), [], 30), await healthy);
        Assert.Equal(["step of 2: poison", "step of 1: poison"], host.Observer.Seen);
        Assert.Equal(FakeModel.Answer(Prompt(25), [], 3), await host.TokensAsync(Request(Prompt(25), 3)));
        Assert.True(host.Loop.IsHealthy);
    }

    [Fact]
    public async Task Run_ThrowsAgainAndAgain_TheEngineIsUnhealthyUntilAStepSucceeds()
    {
        await using var host = await StartAsync();
        var fails = true;
        host.Runner.BeforeStep = _ =>
        {
            if (fails)
            {
                throw new InvalidOperationException("no memory");
            }
        };
        for (var i = 0; i < 3; i++)
        {
            Assert.True(host.Loop.IsHealthy);
            await host.AllAsync(Request(Prompt(20))).WaitAsync(Patience);
        }

        Assert.False(host.Loop.IsHealthy);
        fails = false;
        await host.AllAsync(Request(Prompt(20))).WaitAsync(Patience);
        Assert.True(host.Loop.IsHealthy);
    }

    private static int[] WithPlaceholders(int[] prompt, ImageSpan[] images)
    {
        foreach (var span in images)
        {
            Array.Fill(prompt, FakeModel.Placeholder, span.Offset, span.Length);
        }

        return prompt;
    }
}
