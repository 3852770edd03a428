using LlavaCluster.Core.Engine;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>Conversations that go well.</summary>
public sealed class ChatTests(FakeCluster cluster) : IClassFixture<FakeCluster>
{
    [Fact]
    public async Task Chat_ThreeTurnsWithTwoImages_AnswersAndReusesKv()
    {
        var cat = await cluster.PutAsync(FakeImages.Bmp(60, 40, 1));
        var dog = await cluster.PutAsync(FakeImages.Bmp(30, 90, 2));
        var mirror = new Answers.Mirror();

        var first = await cluster.ChatAsync("three", Turn("a", "what is this?", cat)).WaitAsync(Patience);
        Assert.Equal(mirror.Next("what is this?", [(cat, 60, 40)]), first.Tokens());
        var known = mirror.Length;
        var second = await cluster.ChatAsync("three", Turn("b", "and what colour does it have?")).WaitAsync(Patience);
        Assert.Equal(mirror.Next("and what colour does it have?", []), second.Tokens());
        var third = await cluster.ChatAsync("three", Turn("c", "compare", dog)).WaitAsync(Patience);
        Assert.Equal(mirror.Next("compare", [(dog, 30, 90)]), third.Tokens());

        Assert.Equal(0, first.Started().CachedTokens);
        // All full blocks of the first turn, of which the last token was never computed.
        Assert.Equal((known - 1) / 16 * 16, second.Started().CachedTokens);
        Assert.Equal(2, cluster.Tower.Encoded);
        Assert.Equal(("three", "c", "0"), (third.Started().Session, third.Started().TurnId, third.Started().Replica));
        Assert.Equal(FakeStopRule.TextOf(third.Tokens()), third.Text());
        Assert.Equal(
            (FinishReason.Length, 20, third.Started().PromptTokens),
            (third.Finished().Reason, third.Finished().CompletionTokens, third.Finished().PromptTokens));
        Assert.Equal(mirror.Length, third.Started().PromptTokens + 20);
    }

    [Fact]
    public async Task Chat_AfterDeactivation_GoesOnFromTheLog()
    {
        var mirror = new Answers.Mirror();
        mirror.Next("one", []);
        await cluster.ChatAsync("reload", Turn("a", "one")).WaitAsync(Patience);
        await cluster.ForgetAsync("reload");

        var second = await cluster.ChatAsync("reload", Turn("b", "two")).WaitAsync(Patience);

        Assert.Equal(mirror.Next("two", []), second.Tokens());
        Assert.True(second.Started().CachedTokens > 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chat_SameTurnAgain_IsReplayedNotComputed(bool afterDeactivation)
    {
        var session = $"replay-{afterDeactivation}";
        var first = await cluster.ChatAsync(session, Turn("a", "one")).WaitAsync(Patience);
        if (afterDeactivation)
        {
            await cluster.ForgetAsync(session);
        }

        var steps = cluster.Runner.Plans.Count;
        var again = await cluster.ChatAsync(session, Turn("a", "one")).WaitAsync(Patience);
        var rest = await cluster.ChatAsync(session, Turn("a", "one") with { ResumeFrom = 15 }).WaitAsync(Patience);

        Assert.Equal(steps, cluster.Runner.Plans.Count);
        Assert.Equal(first.Tokens(), again.Tokens());
        Assert.Equal(first.Text(), again.Text());
        Assert.Equal(first.Started().Seed, again.Started().Seed);
        Assert.Equal(first.Started().PromptTokens, again.Started().PromptTokens);
        Assert.Equal(first.Tokens()[15..], rest.Tokens());
        Assert.Equal(15, rest.OfType<TurnDeltaMessage>().First().Offset);
        // The fake rule holds one word back: after 15 tokens the client had 14 words.
        Assert.Equal(FakeStopRule.TextOf(first.Tokens()[14..]), rest.Text());
        Assert.Equal(2, (await cluster.Log.ReadAsync(session, default)).Count);
    }

    [Fact]
    public async Task Chat_ResumePastTheEnd_IsRefused()
    {
        await cluster.ChatAsync("past", Turn("a", "one")).WaitAsync(Patience);

        var error = await Assert.ThrowsAsync<TurnRefusedException>(
            () => cluster.ChatAsync("past", Turn("a", "one") with { ResumeFrom = 21 }).WaitAsync(Patience));

        Assert.Equal("resume_from is 21; the turn ended with 20 tokens.", error.Message);
    }

    [Fact]
    public async Task Chat_EmptyTurnId_IsMadeAndTold()
    {
        var first = await cluster.ChatAsync("made", Turn("", "one")).WaitAsync(Patience);
        var again = await cluster.ChatAsync("made", Turn(first.Started().TurnId, "one")).WaitAsync(Patience);

        Assert.Equal(first.Tokens(), again.Tokens());
        Assert.Equal(2, (await cluster.Log.ReadAsync("made", default)).Count);
    }

    [Fact]
    public async Task Get_TellsTheTranscript()
    {
        var cat = await cluster.PutAsync(FakeImages.Bmp(60, 40, 1));
        var first = await cluster.ChatAsync("get", Turn("a", "one", cat) with { System = "be brief" }).WaitAsync(Patience);

        var session = await cluster.Session("get").Get();

        Assert.Equal(("get", "be brief", null, 1024), (session.Session, session.System, session.RunningTurn, session.MaxTokens));
        var turn = Assert.Single(session.Turns);
        Assert.Equal(("a", first.Text(), 20, FinishReason.Length), (turn.TurnId, turn.Answer, turn.AnswerTokens, turn.Reason));
        Assert.Equal([new TurnPartMessage(null, cat), new TurnPartMessage("one", null)], turn.Parts);
        Assert.Equal(first.Started().PromptTokens + 20, session.Tokens);
    }

    [Fact]
    public async Task Delete_ForgetsTheSession()
    {
        await cluster.ChatAsync("gone", Turn("a", "one")).WaitAsync(Patience);

        await cluster.Session("gone").Delete();

        var error = await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.Session("gone").Get());
        Assert.Equal((RefusalCode.NotFound, "There is no session 'gone'; leave the session id empty to start one."), (error.Code, error.Message));
        await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.Session("gone").Delete());
        Assert.Empty(await cluster.Log.ReadAsync("gone", default));
    }
}
