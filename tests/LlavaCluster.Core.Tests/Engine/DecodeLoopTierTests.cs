using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Tiering;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Engine;

/// <summary>Conversations whose KV leaves the device and comes back.</summary>
public sealed class DecodeLoopTierTests
{
    private static readonly ImageHash Cat = ImageHash.Of("cat"u8);
    private static readonly ImageSpan[] Picture = [new(4, 50, Cat, 8, 6)];

    [Fact]
    public async Task Generate_KvWasMovedDown_ComesBackBeforeTheTurnStarts()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { IdleImages = 0 }, blocks: 12, mover: MoverOf);
        var prompt = Conversation();
        var answer = await host.TokensAsync(Request(prompt, 10, Picture));
        await PushDownAsync(host, blocks: 6);
        int[] next = [.. prompt, .. answer, .. Prompt(15, 3)];

        var events = await host.AllAsync(Request(next, 10, Picture)).WaitAsync(Patience);

        // As if it had never left: neither the image nor anything before the new words is computed again.
        Assert.Equal(new GenerationEvent.Started(125, 96), events[0]);
        Assert.Equal(FakeModel.Answer(next, Picture, 10), TokensOf(events));
        Assert.Equal(1, host.Features.Asked[Cat]);
        Assert.Equal(6, host.Loop.Load.Tiers!.FromHost);
        Assert.Equal(12, host.Loop.Load.FreeBlocks);
    }

    [Fact]
    public async Task Generate_CancelledWhileItsKvComesBack_LeavesNothingHeld()
    {
        FakeBlockMover? mover = null;
        await using var host = await StartAsync(blocks: 12, mover: runner => mover = MoverOf(runner));
        var prompt = Conversation();
        var answer = await host.TokensAsync(Request(prompt, 10, Picture));
        await PushDownAsync(host, blocks: 6);
        mover!.EndsAtOnce = false;
        using var cancel = new CancellationTokenSource();
        var turn = host.AllAsync(Request([.. prompt, .. answer, 77], 10, Picture), cancel.Token);
        await host.UntilAsync(load => load.FreeBlocks < 12);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => turn);

        mover.End(0);

        await host.UntilAsync(load => load is { FreeBlocks: 12, Waiting: 0, Running: 0 });
    }

    [Fact]
    public async Task Generate_DiskIsDamaged_ComputesAgainAndSaysSo()
    {
        var options = new DecodeLoopOptions { Tiers = new KvTierOptions { DiskAfter = TimeSpan.FromSeconds(20) } };
        FakeBlockMover? mover = null;
        await using var host = await StartAsync(options, blocks: 12, mover: runner => mover = new FakeBlockMover(runner, 12, 100) { EndsAtOnce = true });
        var prompt = Conversation();
        await host.TokensAsync(Request(prompt, 10, Picture));
        host.Time.Advance(TimeSpan.FromSeconds(10));
        await host.UntilAsync(load => load.Tiers!.Host == 6);
        host.Time.Advance(TimeSpan.FromSeconds(20));
        await host.UntilAsync(load => load.Tiers!.Disk == 6);
        // Two more conversations push it out of the device, and out of host memory.
        for (var salt = 5; salt < 7; salt++)
        {
            await host.TokensAsync(Request(Prompt(150, salt), 20));
            host.Time.Advance(TimeSpan.FromSeconds(10));
            await host.UntilAsync(load => load.Tiers!.Host >= 10);
        }

        mover!.Fails = (move, index) => move is TierMove.FromDisk && index == 2;

        var events = await host.AllAsync(Request([.. prompt, 77], 10, Picture)).WaitAsync(Patience);

        Assert.Equal(FakeModel.Answer([.. prompt, 77], Picture, 10), TokensOf(events));
        Assert.InRange(((GenerationEvent.Started)events[0]).CachedTokens, 0, 80);
        Assert.Equal(["FromDisk: no such luck"], host.Observer.Seen);
    }

    [Fact]
    public async Task Rest_BlocksAreDueToMove_IsToldWhenTheyHave()
    {
        await using var host = await StartAsync(mover: MoverOf);
        await host.TokensAsync(Request(Conversation(), 10, Picture));
        await host.Loop.RestAsync().WaitAsync(Patience);
        Assert.Equal(0, host.Loop.Load.Tiers!.Host); // not due yet

        host.Time.Advance(TimeSpan.FromSeconds(10));
        await host.Loop.RestAsync().WaitAsync(Patience);

        Assert.Equal(6, host.Loop.Load.Tiers!.Host);
    }

    [Fact]
    public async Task Rest_TurnRuns_IsToldBehindIt()
    {
        await using var host = await StartAsync();
        var gate = new StepGate();
        host.Runner.BeforeStep = gate.Pass;
        var turn = host.TokensAsync(Request(Conversation(), 10, Picture));
        await gate.ArrivedAsync();
        var resting = host.Loop.RestAsync();
        gate.Allow();
        await gate.ArrivedAsync(); // the next step: the wish was heard before it
        Assert.False(resting.IsCompleted);

        gate.Open();

        await resting.WaitAsync(Patience);
        Assert.Equal(0, host.Loop.Load.Running);
        await turn;
    }

    [Fact]
    public async Task Rest_EngineStops_IsToldToo()
    {
        await using var host = await StartAsync();
        await host.Loop.StopAsync().WaitAsync(Patience);
        await host.Loop.RestAsync().WaitAsync(Patience);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Forget_Conversation_IsFoundNoMore(bool withTiers)
    {
        await using var host = await StartAsync(mover: withTiers ? MoverOf : null);
        var conversation = Request(Conversation(), 10, Picture);
        await host.TokensAsync(conversation);
        if (withTiers)
        {
            host.Time.Advance(TimeSpan.FromSeconds(10));
            await host.UntilAsync(load => load.Tiers!.Host == 6);
        }

        Assert.Equal(6, await host.Loop.ForgetAsync(conversation).WaitAsync(Patience));

        Assert.Contains($"forget {Cat.Hex[..8]}", host.Runner.Calls);
        var events = await host.AllAsync(conversation).WaitAsync(Patience);
        Assert.Equal(new GenerationEvent.Started(100, 0), events[0]);
        Assert.Equal(0, host.Loop.Load.Tiers?.Host ?? 0);
    }

    [Fact]
    public async Task Forget_WhileATurnOfItRuns_LeavesWhatItUses()
    {
        await using var host = await StartAsync();
        var gate = new StepGate();
        host.Runner.BeforeStep = gate.Pass;
        var conversation = Request(Conversation(), 10, Picture);
        var turn = host.TokensAsync(conversation);
        await gate.ArrivedAsync();
        gate.Allow();
        await gate.ArrivedAsync();
        var forgetting = host.Loop.ForgetAsync(conversation);
        gate.Open();

        Assert.Equal(0, await forgetting.WaitAsync(Patience));
        Assert.Equal(FakeModel.Answer(conversation.TokenIds, Picture, 10), await turn);
    }

    [Fact]
    public async Task Forget_TurnCancelledBeforeAllWasTold_ForgetsWhatWasNotToldToo()
    {
        await using var host = await StartAsync();
        var gate = new StepGate();
        host.Runner.BeforeStep = gate.Pass;
        var conversation = Request(Prompt(100), 60) with { Session = "session" };
        await using var turn = host.Loop.GenerateAsync(conversation, default).GetAsyncEnumerator();
        for (var step = 0; step < 40; step++)
        {
            await gate.ArrivedAsync();
            gate.Allow();
        }

        // Of 40 tokens its reader takes the first; those behind it fill two blocks of which the conversation knows nothing.
        await gate.ArrivedAsync();
        while (await turn.MoveNextAsync() && turn.Current is not GenerationEvent.Generated)
        {
        }

        var told = (GenerationEvent.Generated)turn.Current;
        await turn.DisposeAsync();
        gate.Open();
        await host.UntilAsync(load => load.Running == 0);

        var kept = Request([.. conversation.TokenIds, .. told.Tokens.Select(token => token.Id)]) with { Session = "session" };
        Assert.Equal(8, await host.Loop.ForgetAsync(kept).WaitAsync(Patience));

        Assert.Equal(new GenerationEvent.Started(100, 0), (await host.AllAsync(conversation).WaitAsync(Patience))[0]);
    }

    private static FakeBlockMover MoverOf(FakeModelRunner runner) => new(runner, 100, 0) { EndsAtOnce = true };

    /// <summary>A hundred tokens with a picture in them.</summary>
    private static int[] Conversation()
    {
        var prompt = Prompt(100);
        Array.Fill(prompt, FakeModel.Placeholder, 4, 50);
        return prompt;
    }

    /// <summary>Time passes, and then another conversation needs the whole device.</summary>
    private static async Task PushDownAsync(DecodeLoopHost host, int blocks)
    {
        host.Time.Advance(TimeSpan.FromSeconds(10));
        await host.UntilAsync(load => load.Tiers!.Host == blocks);
        await host.TokensAsync(Request(Prompt(170, 9), 20));
    }
}
