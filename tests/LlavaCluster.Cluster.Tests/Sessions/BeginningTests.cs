using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A turn whose beginning is being written while its replica computes it already.</summary>
public sealed class BeginningTests(FakeCluster cluster) : IClassFixture<FakeCluster>
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task Chat_BeginningIsNotWrittenYet_NothingIsToldThoughTheAnswerIsThere()
    {
        HoldBeginnings();
        await using var events = cluster.Session("held").Chat(Turn("held", "one")).GetAsyncEnumerator();
        var first = events.MoveNextAsync().AsTask();
        await _asked.Task.WaitAsync(Patience);
        await cluster.Engine.RestAsync().WaitAsync(Patience);
        Assert.NotEmpty(cluster.Runner.Plans);
        Assert.False(first.IsCompleted);

        _written.SetResult();

        Assert.True(await first.WaitAsync(Patience));
        var told = new List<TurnEventMessage> { events.Current };
        while (await events.MoveNextAsync().AsTask().WaitAsync(Patience))
        {
            told.Add(events.Current);
        }

        Assert.IsType<TurnStartedMessage>(told[0]);
        Assert.Equal(new Answers.Mirror().Next("one", []), told.Tokens());
        cluster.Log.Before = _ => Task.CompletedTask;
    }

    [Fact]
    public async Task Chat_BeginningCannotBeWrittenWhileTheTurnQueues_IsRefusedAndLeavesTheQueue()
    {
        var gate = new StepGate();
        cluster.Runner.BeforeStep = gate.Pass;
        // It stands at the gate; the other one waits for the border of the step.
        var running = cluster.ChatAsync("first", Turn("a", "one"));
        await gate.ArrivedAsync();
        HoldBeginnings();
        var refused = cluster.ChatAsync("second", Turn("held", "one"));
        await _asked.Task.WaitAsync(Patience);

        _written.SetException(new StoreUnavailableException(FlakyTurnLog.Sentence));

        var error = await Assert.ThrowsAsync<TurnRefusedException>(() => refused.WaitAsync(Patience));
        Assert.Equal(RefusalCode.Unavailable, error.Code);
        cluster.Log.Before = _ => Task.CompletedTask;
        gate.Open();
        await running.WaitAsync(Patience);
        await cluster.Engine.RestAsync().WaitAsync(Patience);
        Assert.Equal((0, 0), (cluster.Engine.Load.Waiting, cluster.Engine.Load.Running));
        cluster.Runner.BeforeStep = null;
    }

    private void HoldBeginnings() => cluster.Log.Before = entry =>
    {
        if (entry is not TurnStarted { TurnId: "held" })
        {
            return Task.CompletedTask;
        }

        _asked.TrySetResult();
        return _written.Task;
    };
}
