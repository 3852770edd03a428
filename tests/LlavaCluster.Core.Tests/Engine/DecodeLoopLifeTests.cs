using LlavaCluster.Core.Engine;
using LlavaCluster.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Engine;

/// <summary>Starting, stopping, cancelling, queueing.</summary>
public sealed class DecodeLoopLifeTests
{
    [Fact]
    public async Task Cancel_ByToken_FreesTheBlocksWithinOneStep()
    {
        await using var host = await StartAsync();
        var gate = new StepGate();
        host.Runner.BeforeStep = gate.Pass;
        using var cancel = new CancellationTokenSource();
        var running = host.AllAsync(Request(Prompt(100), 500), cancel.Token);
        await gate.ArrivedAsync();
        gate.Allow();
        await gate.ArrivedAsync();
        Assert.Equal(7, host.Loop.Load.TotalBlocks - host.Loop.Load.FreeBlocks);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        gate.Allow();
        await host.UntilAsync(load => load is { Running: 0, FreeBlocks: 64 });

        // The step at the gate was the last.
        Assert.Equal(2, host.Runner.Plans.Count);
        gate.Open();
    }

    [Fact]
    public async Task Cancel_ByLeavingTheLoop_FreesTheBlocks()
    {
        await using var host = await StartAsync();

        await foreach (var next in host.Loop.GenerateAsync(Request(Prompt(100), 900), CancellationToken.None))
        {
            if (next is GenerationEvent.Generated)
            {
                break;
            }
        }

        await host.UntilAsync(load => load is { Running: 0, FreeBlocks: 64 });
    }

    [Fact]
    public async Task Cancel_WhileWaiting_LeavesTheQueue()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { MaxRunning = 1 });
        var gate = new StepGate();
        host.Runner.BeforeStep = gate.Pass;
        var running = host.TokensAsync(Request(Prompt(20), 3));
        await gate.ArrivedAsync();
        using var cancel = new CancellationTokenSource();
        var waiting = host.AllAsync(Request(Prompt(20, 1)), cancel.Token);
        Assert.Equal(1, host.Loop.Load.Waiting);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        gate.Open();
        await running;

        await host.UntilAsync(load => load is { Running: 0, Waiting: 0 });
        Assert.All(host.Runner.Plans, plan => Assert.Equal(1, plan.Slices[0].Sequence));
    }

    [Fact]
    public async Task Generate_QueueFull_IsRefusedAtOnce()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { MaxRunning = 1, MaxWaiting = 2 });
        var gate = new StepGate();
        host.Runner.BeforeStep = gate.Pass;
        var first = host.TokensAsync(Request(Prompt(20), 3));
        await gate.ArrivedAsync();
        var queued = new[] { host.TokensAsync(Request(Prompt(20, 1), 3)), host.TokensAsync(Request(Prompt(20, 2), 3)) };

        var error = await Assert.ThrowsAsync<SequenceRefusedException>(() => host.AllAsync(Request(Prompt(20, 3))));

        Assert.Equal(RefusalReason.QueueFull, error.Reason);
        Assert.Equal("2 sequences wait already; this replica lets no more wait. Try again in a moment.", error.Message);
        gate.Open();
        await Task.WhenAll(queued.Append(first));
        await host.TokensAsync(Request(Prompt(20, 3)));
    }

    [Fact]
    public async Task Start_FactoryThrows_FailsWithItsException()
    {
        var loop = new DecodeLoop(
            () => throw new InvalidDataException("no weights"),
            new SingleRankLink(),
            new FakeFeatureSource(),
            _ => new FakeStopRule(),
            new FakeTimeProvider(),
            new DecodeLoopOptions());

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => loop.StartAsync().WaitAsync(Patience));

        Assert.Equal("no weights", error.Message);
        Assert.False(loop.IsHealthy);
        var refused = Assert.Throws<SequenceRefusedException>(
            () => loop.GenerateAsync(Request(Prompt(3)), CancellationToken.None).GetAsyncEnumerator());
        Assert.Equal(RefusalReason.Stopping, refused.Reason);
        await loop.StopAsync().WaitAsync(Patience);
    }

    [Fact]
    public async Task Stop_WithRunningSequences_EndsThemAndDisposesTheRunner()
    {
        var host = await StartAsync();
        var gate = new StepGate();
        host.Runner.BeforeStep = gate.Pass;
        var running = host.AllAsync(Request(Prompt(20), 900));
        await gate.ArrivedAsync();
        var stopping = host.Loop.StopAsync();
        gate.Open();
        await stopping.WaitAsync(Patience);

        var error = await Assert.ThrowsAsync<SequenceRefusedException>(() => running.WaitAsync(Patience));
        Assert.Equal(RefusalReason.Stopping, error.Reason);
        Assert.True(host.Runner.IsDisposed);
        await Assert.ThrowsAsync<SequenceRefusedException>(() => host.AllAsync(Request(Prompt(20))));
    }

    [Fact]
    public async Task Generate_NobodyReads_DropsTheSequence()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { AbandonedAfter = TimeSpan.FromSeconds(10) });
        var gate = new StepGate();
        host.Runner.BeforeStep = gate.Pass;
        await using var events = host.Loop.GenerateAsync(Request(Prompt(20), 900), CancellationToken.None).GetAsyncEnumerator();
        await gate.ArrivedAsync();
        gate.Allow();
        await gate.ArrivedAsync();

        host.Time.Advance(TimeSpan.FromSeconds(11));
        gate.Allow();
        await host.UntilAsync(load => load.Running == 0);

        Assert.Equal(["abandoned after 11 s"], host.Observer.Seen);
        gate.Open();
    }

    [Fact]
    public async Task Timings_FollowTheClock()
    {
        await using var host = await StartAsync(new DecodeLoopOptions { StepTokens = 16 });
        host.Runner.BeforeStep = _ => host.Time.Advance(TimeSpan.FromSeconds(1));

        var events = await host.AllAsync(Request(Prompt(40), 4)).WaitAsync(Patience);

        // Three steps of prompt, the last of which gives the first token, then three more.
        var finished = Assert.IsType<GenerationEvent.Finished>(events[^1]);
        Assert.Equal(new TurnTimings(TimeSpan.Zero, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(3)), finished.Timings);
    }
}
