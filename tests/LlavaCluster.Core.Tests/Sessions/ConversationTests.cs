using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Sessions;
using LlavaCluster.Tests.Fakes;
using Xunit;

namespace LlavaCluster.Core.Tests.Sessions;

public sealed class ConversationTests
{
    private static readonly ImageSpan Cat = new(2, 3, ImageHash.Of("cat"u8), 8, 6);
    private static readonly FakePrompts Prompts = new(new FakeTokenizer());

    [Fact]
    public void Apply_TwoTurns_IdsAreAppendedIdsAndAnswers()
    {
        var conversation = Conversation.From(
            [Started("a", [1, 2, 5, 5, 5, 3], images: [Cat]), Ended("a", [20, 21]), Started("b", [4, 2, 30, 3]), Ended("b", [40], FinishReason.Cancelled)]);

        Assert.Equal([1, 2, 5, 5, 5, 3, 20, 21, 4, 2, 30, 3, 40], conversation.Ids);
        Assert.Equal([Cat], conversation.Images);
        Assert.Equal(4, conversation.LogLength);
        Assert.Null(conversation.Open);
    }

    [Fact]
    public void Apply_FailedTurn_StaysInTheTranscriptOnly()
    {
        var conversation = Conversation.From([Started("a", [1, 2, 3], "be brief"), Ended("a", [20], FinishReason.Failed)]);

        Assert.Empty(conversation.Ids);
        Assert.Single(conversation.Turns);
        // The next turn begins the conversation, with the system message that it came with.
        Assert.Equal(
            Prompts.Conversation([Message(ChatRole.System, "be brief"), Message(ChatRole.User, "hi")], []).TokenIds,
            conversation.Compose(Prompts, null, [new TurnPart("hi", null)], []).TokenIds);
    }

    [Fact]
    public void Computed_FailedAndOpenTurns_EachBehindWhatWasThereThen()
    {
        var conversation = Conversation.From(
        [
            Started("a", [1, 2, 5, 5, 5, 3], images: [Cat]), Ended("a", [20]), Started("b", [4, 30]), Ended("b", [31], FinishReason.Failed),
            Started("c", [4, 40]), Ended("c", [41]), Started("d", [4, 50]), Group("d", 0, [51], "x"),
        ]);

        Assert.Equal(
            [[1, 2, 5, 5, 5, 3, 20, 4, 30, 31], [1, 2, 5, 5, 5, 3, 20, 4, 40, 41, 4, 50, 51], [1, 2, 5, 5, 5, 3, 20, 4, 40, 41]],
            conversation.Computed().Select(row => row.Ids.ToArray()));
        Assert.All(conversation.Computed(), row => Assert.Equal([Cat], row.Images));
    }

    [Fact]
    public void Compose_LaterTurn_OnlyAppends()
    {
        var conversation = Conversation.From([Started("a", [1, 2, 3]), Ended("a", [20])]);

        var prompt = conversation.Compose(Prompts, null, [new TurnPart(null, Cat.Image.Hex), new TurnPart("x", null)], [3]);

        Assert.Equal([4, 2, 5, 5, 5, 10 + 'x', 3], prompt.TokenIds);
        Assert.Equal(2, prompt.Images[0].Offset);
    }

    [Fact]
    public void Apply_TokensInGroups_AreTheAnswerTogether()
    {
        var conversation = Conversation.From(
            [Started("a", [1, 2]), Group("a", 0, [20, 21], "one "), Group("a", 2, [22], "two "), Ended("a", [23]) with { Text = "end" }]);

        var turn = Assert.Single(conversation.Turns);
        Assert.Equal([20, 21, 22, 23], turn.Tokens.Select(token => token.Id));
        Assert.Equal([0, 4, 4, 0], turn.TextLengths);
        Assert.Equal(("one two end", "end"), (turn.Text, turn.Tail));
        Assert.Equal([1, 2, 20, 21, 22, 23], conversation.Ids);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Apply_TokensThatLeaveAGapOrRepeat_AreRefused(int offset)
    {
        var conversation = Conversation.From([Started("a", [1, 2]), Group("a", 0, [20, 21], "one ")]);

        Assert.Throws<InvalidDataException>(() => conversation.Apply(Group("a", offset, [22], "")));
    }

    [Fact]
    public void Apply_AbandonedTurnResumed_GoesOnBehindItsTokens()
    {
        var conversation = Conversation.From(
            [Started("a", [1, 2]), Ended("a", [9]), Started("b", [3], images: [Cat]), Ended("b", [20], FinishReason.Cancelled) with { IsAbandoned = true, Text = "h" }]);
        Assert.Equal([1, 2, 9, 3, 20], conversation.Ids);
        Assert.Equal(TurnStanding.Open, conversation.Stand("b", TurnContent.Of(conversation.Turns[1].Started)));

        conversation.Apply(new TurnResumed("b", DateTimeOffset.UnixEpoch));

        Assert.Equal([1, 2, 9], conversation.Ids);
        Assert.Empty(conversation.Images);
        Assert.Equal("b", conversation.Open!.Started.TurnId);
        Assert.Equal("", conversation.Open.Text);
        conversation.Apply(Ended("b", [21]));
        Assert.Equal([1, 2, 9, 3, 20, 21], conversation.Ids);
        Assert.Equal([Cat], conversation.Images);
    }

    [Fact]
    public void Apply_ResumedTurnThatIsNotTheLastOrWasCancelledOnPurpose_IsRefused()
    {
        var abandoned = Ended("a", [9], FinishReason.Cancelled) with { IsAbandoned = true };

        Assert.Throws<InvalidDataException>(() => Conversation.From(
            [Started("a", [1]), abandoned, Started("b", [2]), Ended("b", []), new TurnResumed("a", DateTimeOffset.UnixEpoch)]));
        Assert.Throws<InvalidDataException>(() => Conversation.From(
            [Started("a", [1]), abandoned with { IsAbandoned = false }, new TurnResumed("a", DateTimeOffset.UnixEpoch)]));
    }

    [Fact]
    public void Apply_DeletedSession_TakesNoMoreTurns()
    {
        var conversation = Conversation.From([Started("a", [1]), Ended("a", []), new SessionDeleted(DateTimeOffset.UnixEpoch)]);

        Assert.True(conversation.IsDeleted);
        Assert.Throws<InvalidDataException>(() => conversation.Apply(Started("b", [2])));
    }

    [Fact]
    public void Apply_WhatDoesNotFollow_IsRefused()
    {
        var conversation = Conversation.From([Started("a", [1])]);

        Assert.Throws<InvalidDataException>(() => conversation.Apply(Started("b", [2])));
        var error = Assert.Throws<InvalidDataException>(() => conversation.Apply(Ended("b", [])));
        Assert.Equal("Entry 1 of a session's log (TurnEnded) does not follow from the 1 before it.", error.Message);
    }

    [Fact]
    public void Stand_TellsWhatAnIdMeans()
    {
        var conversation = Conversation.From([Started("a", [1]), Ended("a", []), Started("b", [1])]);
        var same = new TurnContent([new TurnPart("hi", null)], null, SamplingOptions.Greedy, 7);

        Assert.Equal(TurnStanding.Ended, conversation.Stand("a", same));
        Assert.Equal(TurnStanding.Open, conversation.Stand("b", same));
        Assert.Equal(TurnStanding.New, conversation.Stand("c", same));
        Assert.Equal(TurnStanding.Conflict, conversation.Stand("a", same with { Parts = [new TurnPart("ho", null)] }));
        Assert.Equal(TurnStanding.Conflict, conversation.Stand("a", same with { MaxTokens = 8 }));
        Assert.Equal(TurnStanding.Conflict, conversation.Stand("a", same with { Sampling = new SamplingOptions { Temperature = 1 } }));
        Assert.Equal(TurnStanding.Ended, conversation.Stand("a", same with
        {
            Sampling = new SamplingOptions { Stop = [], LogitBias = new Dictionary<int, float>() },
        }));
        Assert.Equal(TurnStanding.Conflict, conversation.Stand("a", same with { Sampling = new SamplingOptions { Stop = ["x"] } }));
        Assert.Equal(TurnStanding.Conflict, conversation.Stand("a", same with
        {
            Sampling = new SamplingOptions { LogitBias = new Dictionary<int, float> { [3] = 1 } },
        }));
    }

    private static TurnStarted Started(string id, int[] ids, string? system = null, ImageSpan[]? images = null) => new(
        id, [new TurnPart("hi", null)], system, ids, images ?? [], SamplingOptions.Greedy, 1, 7, DateTimeOffset.UnixEpoch);

    private static TurnEnded Ended(string id, int[] ids, FinishReason reason = FinishReason.Stop) => new(
        id, [.. ids.Select(i => new SampledToken(i, -1, []))], "", reason, DateTimeOffset.UnixEpoch);

    private static TurnTokens Group(string id, int offset, int[] ids, string text) => new(
        id, offset, [.. ids.Select(i => new SampledToken(i, -1, []))], text, [.. ids.Select((_, i) => i == ids.Length - 1 ? text.Length : 0)]);

    private static ChatMessage Message(ChatRole role, string text) => ChatMessage.Of(role, text);
}
