using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>What can be done with a turn while it runs. The engine is held at a gate, step by step.</summary>
public sealed class RunningTurnTests(FakeCluster cluster) : IClassFixture<FakeCluster>, IAsyncLifetime
{
    private readonly StepGate _gate = new();

    public Task InitializeAsync()
    {
        cluster.Runner.BeforeStep = _gate.Pass;
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _gate.Open();
        await cluster.IdleAsync();
    }

    [Fact]
    public async Task Cancel_KeepsWhatWasGenerated_AndTheNextTurnGoesOnFromIt()
    {
        var mirror = new Answers.Mirror();
        var whole = mirror.Next("one", []);
        var running = cluster.ChatAsync("cancel", Turn("a", "one"));
        await StepsAsync(4);
        await UntilTokensAsync("cancel", 4);

        Assert.True(await cluster.Session("cancel").Cancel("a"));
        var events = await running.WaitAsync(Patience);

        Assert.Equal(whole[..4], events.Tokens());
        Assert.Equal(FakeStopRule.TextOf(whole[..4]), events.Text());
        Assert.Equal(FinishReason.Cancelled, events.Finished().Reason);
        _gate.Open();
        await cluster.IdleAsync();
        Assert.False(await cluster.Session("cancel").Cancel("a"));
        // Cancelled on purpose: nothing more comes.
        Assert.Equal(whole[..4], (await cluster.ChatAsync("cancel", Turn("a", "one")).WaitAsync(Patience)).Tokens());
        mirror.CutLast(from: 20, to: 4);
        Assert.Equal(mirror.Next("two", []), (await cluster.ChatAsync("cancel", Turn("b", "two")).WaitAsync(Patience)).Tokens());
    }

    [Fact]
    public async Task Listener_LastOneLeaves_TheTurnIsCancelled()
    {
        using var cancel = new CancellationTokenSource();
        var running = cluster.ChatAsync("leave", Turn("a", "one"), cancel.Token);
        await StepsAsync(3);
        await UntilTokensAsync("leave", 3);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Patience));
        await UntilAsync("leave", session => session.Turns[0].Reason is not null);
        _gate.Open();
        await cluster.IdleAsync();

        var turn = (await cluster.Session("leave").Get()).Turns[0];
        Assert.Equal((FinishReason.Cancelled, 3), (turn.Reason, turn.AnswerTokens));
        // Whoever left may come back.
        var whole = new Answers.Mirror().Next("one", []);
        var again = await cluster.ChatAsync("leave", Turn("a", "one") with { ResumeFrom = 3 }).WaitAsync(Patience);
        Assert.Equal(whole[3..], again.Tokens());
        Assert.Equal(FinishReason.Length, again.Finished().Reason);
        Assert.Equal(FakeStopRule.TextOf(whole), (await cluster.Session("leave").Get()).Turns[0].Answer);
    }

    [Fact]
    public async Task Listener_SecondOneJoins_BothGetTheAnswerAndOneMayLeave()
    {
        var whole = new Answers.Mirror().Next("one", []);
        using var cancel = new CancellationTokenSource();
        var first = cluster.ChatAsync("join", Turn("a", "one"), cancel.Token);
        await StepsAsync(3);
        await UntilTokensAsync("join", 3);
        var joined = new TaskCompletionSource();
        var second = Task.Run(async () =>
        {
            var events = new List<TurnEventMessage>();
            await foreach (var next in cluster.Session("join").Chat(Turn("a", "one") with { ResumeFrom = 2 }).Bounded())
            {
                events.Add(next);
                joined.TrySetResult();
            }

            return events;
        });
        await joined.Task.WaitAsync(Patience);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.WaitAsync(Patience));
        _gate.Open();
        var events = await second.WaitAsync(Patience);

        Assert.Equal(whole[2..], events.Tokens());
        Assert.Equal(FinishReason.Length, events.Finished().Reason);
    }

    [Fact]
    public async Task Get_WhileRunning_ShowsTheAnswerSoFar()
    {
        var running = cluster.ChatAsync("peek", Turn("a", "one"));
        await StepsAsync(3);
        await UntilTokensAsync("peek", 3);

        var session = await cluster.Session("peek").Get();

        Assert.Equal(("a", 3, null), (session.RunningTurn, session.Turns[0].AnswerTokens, session.Turns[0].Reason));
        _gate.Open();
        await running.WaitAsync(Patience);
    }

    [Fact]
    public async Task Chat_AnotherTurnRuns_WaitsOrIsRefused()
    {
        var mirror = new Answers.Mirror();
        var first = cluster.ChatAsync("busy", Turn("a", "one"));
        await StepsAsync(2);
        await UntilTokensAsync("busy", 2);
        var second = cluster.ChatAsync("busy", Turn("b", "two"));

        var refused = await Assert.ThrowsAsync<TurnRefusedException>(
            () => cluster.ChatAsync("busy", Turn("c", "three") with { Busy = BusyPolicy.Refuse }).WaitAsync(Patience));
        var conflict = await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.ChatAsync("busy", Turn("a", "other")).WaitAsync(Patience));
        Assert.False(second.IsCompleted);
        _gate.Open();

        Assert.Equal((RefusalCode.TurnRunning, "Turn a is running; wait for it, cancel it, or ask to wait."), (refused.Code, refused.Message));
        Assert.Equal(
            (RefusalCode.AlreadyExists, "Turn id 'a' was used for another message; choose a new one."), (conflict.Code, conflict.Message));
        Assert.Equal(mirror.Next("one", []), (await first.WaitAsync(Patience)).Tokens());
        Assert.Equal(mirror.Next("two", []), (await second.WaitAsync(Patience)).Tokens());
        Assert.Equal(["a", "b"], (await cluster.Session("busy").Get()).Turns.Select(turn => turn.TurnId));
    }

    [Fact]
    public async Task Cancel_OfAWaitingTurn_LeavesNoTrace()
    {
        var first = cluster.ChatAsync("waits", Turn("a", "one"));
        await StepsAsync(2);
        await UntilTokensAsync("waits", 2);
        var second = cluster.ChatAsync("waits", Turn("b", "two"));
        await UntilAsync("waits", async () => await cluster.Session("waits").Cancel("b"));

        var events = await second.WaitAsync(Patience);
        _gate.Open();
        await first.WaitAsync(Patience);

        Assert.Equal(FinishReason.Cancelled, Assert.IsType<TurnFinishedMessage>(Assert.Single(events)).Reason);
        Assert.Equal(["a"], (await cluster.Session("waits").Get()).Turns.Select(turn => turn.TurnId));
    }

    [Fact]
    public async Task Deactivation_WhileRunning_LeavesTheTurnOpen_AndTheSameIdGoesOn()
    {
        var whole = new Answers.Mirror().Next("one", []);
        var running = cluster.ChatAsync("moved", Turn("a", "one"));
        await StepsAsync(3);
        await UntilTokensAsync("moved", 3);

        await cluster.ForgetAsync("moved");
        var cut = await Assert.ThrowsAnyAsync<Exception>(() => running.WaitAsync(Patience));
        Assert.True(cut is TurnRefusedException { Code: RefusalCode.Unavailable } or EnumerationAbortedException, cut.ToString());
        _gate.Open();
        var left = Assert.IsType<TurnTokens>((await cluster.Log.ReadAsync("moved", default))[^1]);
        Assert.Equal(whole[..3], left.Tokens.Select(token => token.Id));
        var again = await cluster.ChatAsync("moved", Turn("a", "one") with { ResumeFrom = 3 }).WaitAsync(Patience);

        Assert.Equal(whole[3..], again.Tokens());
        Assert.Equal(FakeStopRule.TextOf(whole[2..]), again.Text());
        Assert.Equal(3, (await cluster.Log.ReadAsync("moved", default)).Count);
    }

    [Fact]
    public async Task Chat_AnotherTurnThanTheOneCutOff_GoesOnWithoutIt()
    {
        _gate.Open();
        var mirror = new Answers.Mirror();
        mirror.Next("one", []);
        await cluster.ChatAsync("other", Turn("a", "one")).WaitAsync(Patience);
        // As a silo that died in the middle of a turn leaves the log.
        await cluster.ForgetAsync("other");
        await cluster.Log.AppendAsync(
            "other", 2, new TurnStarted("b", [new TurnPart("two", null)], null, [4, 2, 3], [], SamplingOptions.Greedy, 1, 20, default), default);

        var third = await cluster.ChatAsync("other", Turn("c", "three")).WaitAsync(Patience);

        Assert.Equal(mirror.Next("three", []), third.Tokens());
        Assert.Equal(
            [("a", FinishReason.Length), ("b", FinishReason.Failed), ("c", FinishReason.Length)],
            (await cluster.Session("other").Get()).Turns.Select(turn => (turn.TurnId, turn.Reason!.Value)));
    }

    [Fact]
    public async Task Delete_WhileRunning_CancelsAndForgets()
    {
        var running = cluster.ChatAsync("deleted", Turn("a", "one"));
        await StepsAsync(2);
        await UntilTokensAsync("deleted", 2);

        var deleting = cluster.Session("deleted").Delete();
        Assert.Equal(FinishReason.Cancelled, (await running.WaitAsync(Patience)).Finished().Reason);
        // The engine forgets between two steps.
        _gate.Open();
        await deleting.WaitAsync(Patience);

        Assert.Empty(await cluster.Log.ReadAsync("deleted", default));
    }

    /// <summary>Lets that many steps happen, and waits until the engine stands before the next.</summary>
    private async Task StepsAsync(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            await _gate.ArrivedAsync();
            _gate.Allow();
        }

        await _gate.ArrivedAsync();
    }

    private Task UntilTokensAsync(string session, int tokens) =>
        UntilAsync(session, message => message.Turns.Count > 0 && message.Turns[^1].AnswerTokens == tokens);

    private Task UntilAsync(string session, Func<SessionMessage, bool> condition) =>
        UntilAsync(session, async () => condition(await cluster.Session(session).Get()));

    private static async Task UntilAsync(string session, Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            Assert.False(patience.IsCancellationRequested, $"Session {session} did not come so far.");
        }
    }
}
