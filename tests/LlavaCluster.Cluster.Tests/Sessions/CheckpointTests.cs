using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Sessions;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A cluster that writes tokens in groups of four.</summary>
public sealed class GroupsOfFour : FakeCluster
{
    internal override void Configure(SessionOptions options)
    {
        base.Configure(options);
        options.CheckpointTokens = 4;
    }
}

/// <summary>Tokens of a running turn in the log, and turns that go on from there.</summary>
public sealed class CheckpointTests(GroupsOfFour cluster) : IClassFixture<GroupsOfFour>
{
    private static readonly int[] Whole = new Answers.Mirror().Next("one", []);

    [Fact]
    public async Task Chat_WhileItRuns_TokensAreLoggedInGroups()
    {
        var gate = new StepGate();
        cluster.Runner.BeforeStep = gate.Pass;
        var running = cluster.ChatAsync("groups", Turn("a", "one"));
        gate.Allow(6);
        await LoggedAsync("groups", entries => entries.OfType<TurnTokens>().Sum(group => group.Tokens.Count) >= 4);

        var logged = (await cluster.Log.ReadAsync("groups", default)).OfType<TurnTokens>().ToArray();
        gate.Open();
        var events = await running.WaitAsync(Patience);

        Assert.Equal(0, logged[0].Offset);
        Assert.Equal(Whole[..logged[0].Tokens.Count], logged[0].Tokens.Select(token => token.Id));
        Assert.Equal(Whole, events.Tokens());
        var turn = Conversation.From(await cluster.Log.ReadAsync("groups", default)).Turns[0];
        Assert.Equal(Whole, turn.Tokens.Select(token => token.Id));
        Assert.Equal(FakeStopRule.TextOf(Whole), turn.Text);
        cluster.Runner.BeforeStep = null;
    }

    [Fact]
    public async Task Get_AnotherActivationWroteOrDeletedSince_TellsWhatTheLogHas()
    {
        await cluster.ChatAsync("elsewhere", Turn("a", "one")).WaitAsync(Patience);
        await AnotherTurnAsync("elsewhere");

        Assert.Equal(["a", "b"], (await cluster.Session("elsewhere").Get()).Turns.Select(turn => turn.TurnId));

        var next = await cluster.ChatAsync("elsewhere", Turn("c", "three")).WaitAsync(Patience);
        Assert.NotEmpty(next.Tokens());
        Assert.Equal(["a", "b", "c"], (await cluster.Session("elsewhere").Get()).Turns.Select(turn => turn.TurnId));

        await cluster.Log.DeleteAsync("elsewhere", default);
        var gone = await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.Session("elsewhere").Get());
        Assert.Equal(RefusalCode.NotFound, gone.Code);
    }

    [Fact]
    public async Task Delete_AnotherActivationWroteSince_IsRefusedOnceAndThenDeletesAll()
    {
        await cluster.ChatAsync("elsewhere-2", Turn("a", "one")).WaitAsync(Patience);
        await AnotherTurnAsync("elsewhere-2");

        var moving = await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.Session("elsewhere-2").Delete());
        Assert.Equal(RefusalCode.Moving, moving.Code);

        await cluster.Session("elsewhere-2").Delete();
        Assert.Empty(await cluster.Log.ReadAsync("elsewhere-2", default));
    }

    /// <summary>A turn as another activation of the session would have written it.</summary>
    private async Task AnotherTurnAsync(string session)
    {
        var entries = await cluster.Log.ReadAsync(session, default);
        await cluster.Log.AppendAsync(session, entries.Count, entries.OfType<TurnStarted>().Single() with { TurnId = "b" }, default);
        await cluster.Log.AppendAsync(
            session, entries.Count + 1, new TurnEnded("b", [], "two", FinishReason.Stop, DateTimeOffset.UnixEpoch), default);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(7, 0)]
    [InlineData(7, 3)]
    [InlineData(7, 7)]
    [InlineData(7, 12)]
    [InlineData(19, 0)]
    [InlineData(20, 0)]
    public async Task Chat_CutOffByADeath_GoesOnFromTheLog(int logged, int seen)
    {
        var session = $"death-{logged}-{seen}";
        await WriteAsync(session, logged);
        var steps = cluster.Runner.Plans.Count;

        var events = await cluster.ChatAsync(session, Turn("a", "one") with { ResumeFrom = seen }).WaitAsync(Patience);

        Assert.Equal(Whole[seen..], events.Tokens());
        Assert.Equal(seen, events.OfType<TurnDeltaMessage>().First(delta => delta.Tokens.Count > 0 || seen == 20).Offset);
        Assert.Equal(FakeStopRule.TextOf(Whole[Math.Max(0, seen - 1)..]), events.Text());
        Assert.Equal((FinishReason.Length, 20), (events.Finished().Reason, events.Finished().CompletionTokens));
        // Only what was not logged is generated.
        Assert.Equal(20 - logged, cluster.Runner.Plans.Count - steps);
        Assert.Equal(events.Tokens(), (await cluster.ChatAsync(session, Turn("a", "one") with { ResumeFrom = seen }).WaitAsync(Patience)).Tokens());
        Assert.Equal(FakeStopRule.TextOf(Whole), (await cluster.Session(session).Get()).Turns[0].Answer);
    }

    [Fact]
    public async Task Chat_SampledTurnCutOff_DrawsTheSameTokens()
    {
        var sampled = Turn("a", "one") with { Sampling = new SamplingMessage { Temperature = 1 } };
        var first = await cluster.ChatAsync("seed", sampled).WaitAsync(Patience);
        await cluster.Log.DeleteAsync("seed", default);
        await cluster.ForgetAsync("seed");

        // Even where the log itself was lost: the seed follows from the ids.
        var again = await cluster.ChatAsync("seed", sampled with { ResumeFrom = 5 }).WaitAsync(Patience);

        Assert.NotEqual(Whole, first.Tokens());
        Assert.Equal(first.Tokens()[5..], again.Tokens());
        Assert.NotEqual(first.Started().Seed, (await cluster.ChatAsync("other", sampled).WaitAsync(Patience)).Started().Seed);
    }

    [Fact]
    public async Task Chat_AnotherTurnThanTheOneCutOff_KeepsWhatWasGenerated()
    {
        await WriteAsync("next", 5);
        var mirror = new Answers.Mirror();
        mirror.Next("one", []);
        mirror.CutLast(20, 5);

        var second = await cluster.ChatAsync("next", Turn("b", "two")).WaitAsync(Patience);

        Assert.Equal(mirror.Next("two", []), second.Tokens());
        var turn = (await cluster.Session("next").Get()).Turns[0];
        Assert.Equal((FinishReason.Cancelled, 5, FakeStopRule.TextOf(Whole[..5])), (turn.Reason, turn.AnswerTokens, turn.Answer));
    }

    [Fact]
    public async Task Chat_AnotherActivationWritesMeanwhile_LeavesAndTheTurnGoesOn()
    {
        var gate = new StepGate();
        cluster.Runner.BeforeStep = gate.Pass;
        var running = cluster.ChatAsync("fence", Turn("a", "one"));
        await gate.ArrivedAsync();
        await LoggedAsync("fence", entries => entries.Count == 1);
        await cluster.Log.AppendAsync("fence", 1, Tokens(0, 2), default);
        gate.Open();

        var cut = await Assert.ThrowsAnyAsync<Exception>(() => running.WaitAsync(Patience));

        Assert.True(cut is TurnRefusedException { Code: RefusalCode.Moving } or EnumerationAbortedException, cut.ToString());
        Assert.Equal(Whole[2..], (await cluster.ChatAsync("fence", Turn("a", "one") with { ResumeFrom = 2 }).WaitAsync(Patience)).Tokens());
        cluster.Runner.BeforeStep = null;
    }

    [Fact]
    public async Task Chat_LogGoneForTokensOnly_NobodyNotices()
    {
        cluster.Log.Fails = entry => entry is TurnTokens;
        var events = await cluster.ChatAsync("tokens", Turn("a", "one")).WaitAsync(Patience);
        cluster.Log.Fails = _ => false;

        Assert.Equal(Whole, events.Tokens());
        Assert.Equal(2, (await cluster.Log.ReadAsync("tokens", default)).Count);
    }

    [Theory]
    [InlineData(typeof(TurnStarted), 0)]
    [InlineData(typeof(TurnEnded), 20)]
    public async Task Chat_LogGone_IsToldAndHealedByAskingAgain(Type entry, int seen)
    {
        var session = $"gone-{entry.Name}";
        cluster.Log.Fails = one => one.GetType() == entry;
        var error = await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.ChatAsync(session, Turn("a", "one")).WaitAsync(Patience));
        cluster.Log.Fails = _ => false;

        Assert.Equal(
            (RefusalCode.Unavailable, FlakyTurnLog.Sentence + " Ask again with the same turn id: it goes on."), (error.Code, error.Message));
        Assert.NotNull(error.RetryAfter);
        var events = await cluster.ChatAsync(session, Turn("a", "one") with { ResumeFrom = seen }).WaitAsync(Patience);
        Assert.Equal(Whole[seen..], events.Tokens());
    }

    [Fact]
    public async Task Chat_LogCannotBeRead_IsToldAndHealedByAskingAgain()
    {
        await cluster.ChatAsync("unread", Turn("a", "one")).WaitAsync(Patience);
        await cluster.ForgetAsync("unread");
        cluster.Log.CannotRead = true;
        var error = await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.ChatAsync("unread", Turn("a", "one")).WaitAsync(Patience));
        cluster.Log.CannotRead = false;

        Assert.Equal(RefusalCode.Unavailable, error.Code);
        Assert.Equal(Whole, (await cluster.ChatAsync("unread", Turn("a", "one")).WaitAsync(Patience)).Tokens());
    }

    /// <summary>The log as a silo leaves it that died when so many tokens were written.</summary>
    private async Task WriteAsync(string session, int tokens)
    {
        var prompt = FakeCluster.Prompts.Conversation([Core.Prompting.ChatMessage.Of(Core.Prompting.ChatRole.User, "one")], []);
        await cluster.Log.AppendAsync(
            session,
            0,
            new TurnStarted("a", [new TurnPart("one", null)], null, prompt.TokenIds, [], SamplingOptions.Greedy, 1, 20, default),
            default);
        await cluster.Log.AppendAsync(session, 1, Tokens(0, tokens), default);
    }

    /// <summary>The fake stop rule gives each token's word with the next token.</summary>
    private static TurnTokens Tokens(int from, int to) => new(
        "a",
        from,
        [.. Whole[from..to].Select(id => new SampledToken(id, -0.5f, []))],
        FakeStopRule.TextOf(Whole[Math.Max(0, from - 1)..(to - 1)]),
        [.. Enumerable.Range(from, to - from).Select(i => i == 0 ? 0 : FakeStopRule.TextOf([Whole[i - 1]]).Length)]);

    private async Task LoggedAsync(string session, Func<IReadOnlyList<TurnLogEntry>, bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition(await cluster.Log.ReadAsync(session, default)))
        {
            Assert.False(patience.IsCancellationRequested, $"The log of session {session} did not come so far.");
            await Task.Yield();
        }
    }
}
