using LlavaCluster.Protos;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>Whole conversations through the real edge of a real process, against the reference.</summary>
[Collection(SharedSiloTests.Name)]
public sealed class ConversationTests(SharedSilo silo)
{
    [Fact]
    public async Task Chat_ThreeTurnsWithTwoImages_GivesGoldenTokensAndReusesKv()
    {
        // A case that no other test asks first: its KV cannot be there yet.
        var golden = GoldenAnswer.Read("vicuna", "strip");
        const string Question = "Read the text on the label.\nAnswer the question using a single word or phrase.";
        var first = await silo.Process.ChatAsync(
            "", golden.Tokens.Count, SamplePictures.Of("p37x801.png"), new Part { Text = Question });
        var second = await SecondTurnAsync(silo.Process, first.Started.SessionId);
        var third = await ThirdTurnAsync(silo.Process, first.Started.SessionId);

        Assert.Equal(golden.Tokens, first.Tokens);
        Assert.Equal(golden.Text, first.Text);
        Assert.Equal(golden.PromptTokens, first.Started.PromptTokens);
        Assert.Equal(golden.ImageTokens, first.Started.ImageTokens);
        Assert.Equal(FinishReason.Length, first.Finished.Reason);
        Assert.InRange(first.Started.CachedTokens, 0, 16);
        // All full blocks of what came before are found; the last, partial one is computed again.
        Assert.InRange(second.Started.CachedTokens, golden.PromptTokens, golden.PromptTokens + golden.Tokens.Count);
        Assert.Equal([792], second.Started.ImageTokens);
        Assert.InRange(third.Started.CachedTokens, second.Started.PromptTokens, third.Started.PromptTokens);
        var session = await silo.Client.GetSessionAsync(first.Started.SessionId);
        Assert.Equal([first.Text, second.Text, third.Text], session.Turns.Select(t => t.Answer));
    }

    [Fact]
    public async Task Chat_AfterRestartWithoutKv_GivesTheSameThirdTurn()
    {
        var golden = GoldenAnswer.Read("vicuna", "small-tie");
        var expected = await ThreeTurnsAsync(silo.Process, golden);
        using var folder = new ScratchFolder();
        string session;
        await using (var before = await SiloProcess.StartAsync(folder.Of("data")))
        {
            session = (await FirstTwoTurnsAsync(before, golden)).First.Started.SessionId;
            before.Program.Signal(RunningProgram.Terminate);
            Assert.Equal(0, (await before.Program.ExitAsync()).ExitCode);
        }

        await using var after = await SiloProcess.StartAsync(folder.Of("data"));
        var third = await ThirdTurnAsync(after, session);

        Assert.Equal(0, third.Started.CachedTokens);
        Assert.Equal(expected.Third.Started.PromptTokens, third.Started.PromptTokens);
        Assert.Equal(expected.Third.Tokens, third.Tokens);
    }

    [Fact]
    public async Task Chat_FourthTurnCancelledMidway_KeepsWhatWasGeneratedAndGoesOn()
    {
        var (_, _, third) = await ThreeTurnsAsync(silo.Process, GoldenAnswer.Read("vicuna", "small-tie"));
        var session = third.Started.SessionId;
        var cancelled = await CancelledAsync(session);

        Assert.Equal(FinishReason.Cancelled, cancelled.Finished.Reason);
        var transcript = await silo.Client.GetSessionAsync(session);
        Assert.Equal(4, transcript.Turns.Count);
        Assert.Equal(cancelled.Text, transcript.Turns[3].Answer);
        Assert.Equal("", transcript.RunningTurnId);
        var fifth = await silo.Process.ChatAsync(session, 4, new Part { Text = "Go on." });
        Assert.Equal(4, fifth.Tokens.Count);
        Assert.True(
            fifth.Started.PromptTokens > cancelled.Started.PromptTokens + cancelled.Tokens.Count,
            "The cancelled answer is not in the prompt.");
    }

    [Fact]
    public async Task Chat_CallCancelledByTheClient_EndsTheTurn()
    {
        using var cancel = new CancellationTokenSource();
        var session = "";
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var happened in silo.Client.ChatAsync(SiloProcess.EndlessTurn(""), cancel.Token).Bounded())
            {
                session = happened.Started?.SessionId ?? session;
                if (happened.Delta is { Offset: > 3 })
                {
                    cancel.Cancel();
                }
            }
        });

        // The next turn waits until the cancelled one has ended.
        var next = await silo.Process.ChatAsync(session, 2, new Part { Text = "And now?" });
        Assert.Equal(2, next.Tokens.Count);
        Assert.Equal(FinishReason.Cancelled, (await silo.Client.GetSessionAsync(session)).Turns[0].Reason);
    }

    [Fact]
    public async Task Chat_ImagesByHash_EqualImagesInside()
    {
        var golden = GoldenAnswer.Read("vicuna", "tiny");
        await using var file = File.OpenRead(SamplePictures.PathOf("p2x2.png"));
        var image = await silo.Client.PutImageAsync(file);
        var answer = await silo.Process.ChatAsync(
            "", golden.Tokens.Count, new Part { ImageSha256 = image.Sha256 }, new Part { Text = "What is this?" });

        Assert.Equal((2, 2, "png", 1176), (image.Width, image.Height, image.Format, image.ImageTokens));
        Assert.Equal(image, await silo.Client.GetImageInfoAsync(image.Sha256));
        Assert.Equal(golden.Tokens, answer.Tokens);
    }

    [Fact]
    public async Task Chat_SameTurnAgain_ReplaysFromResumePoint()
    {
        var request = SiloProcess.Turn("", 12, new Part { Text = "What is the capital of the green harbour?" });
        request.TurnId = "once";
        var first = await Answer.ReadAsync(silo.Client.ChatAsync(request).Bounded());
        request.SessionId = first.Started.SessionId;
        request.ResumeFrom = 5;
        var tokens = new List<int>();
        await foreach (var happened in silo.Client.ChatAsync(request).Bounded())
        {
            tokens.AddRange(happened.Delta?.TokenIds ?? []);
        }

        Assert.Equal(GoldenAnswer.Read("vicuna", "text-only").Tokens.Take(12), first.Tokens);
        Assert.Equal(first.Tokens.Skip(5), tokens);
    }

    [Fact]
    public async Task Chat_LogprobsAsked_TellsThemPerToken()
    {
        var request = SiloProcess.Turn("", 3, new Part { Text = "What is the capital of the green harbour?" });
        request.Sampling = new SamplingOptions { Logprobs = 2 };
        var deltas = new List<Delta>();
        await foreach (var happened in silo.Client.ChatAsync(request).Bounded())
        {
            deltas.AddRange(happened.Delta is { TokenIds.Count: > 0 } delta ? [delta] : []);
        }

        Assert.Equal(3, deltas.Sum(d => d.Logprobs.Count));
        Assert.All(deltas.SelectMany(d => d.TokenIds.Zip(d.Logprobs)), pair =>
        {
            Assert.Equal(2, pair.Second.Top.Count);
            Assert.Equal(pair.First, pair.Second.Top[0].TokenId);
            Assert.Equal(pair.Second.Logprob, pair.Second.Top[0].Logprob, 1e-5f);
        });
    }

    private async Task<Answer> CancelledAsync(string session)
    {
        async IAsyncEnumerable<ChatEvent> CancelMidway()
        {
            var asked = false;
            await foreach (var happened in silo.Client.ChatAsync(SiloProcess.EndlessTurn(session)).Bounded())
            {
                if (happened.Delta is { Offset: >= 5 } && !asked)
                {
                    asked = true;
                    Assert.True(await silo.Client.CancelTurnAsync(session));
                }

                yield return happened;
            }
        }

        return await Answer.ReadAsync(CancelMidway());
    }

    private static async Task<(Answer First, Answer Second, Answer Third)> ThreeTurnsAsync(
        SiloProcess process, GoldenAnswer golden)
    {
        var (first, second) = await FirstTwoTurnsAsync(process, golden);
        return (first, second, await ThirdTurnAsync(process, first.Started.SessionId));
    }

    private static async Task<(Answer First, Answer Second)> FirstTwoTurnsAsync(
        SiloProcess process, GoldenAnswer golden)
    {
        var first = await process.ChatAsync(
            "", golden.Tokens.Count, SamplePictures.Of("p300x200.png"), new Part { Text = "Describe the red triangle in detail." });
        return (first, await SecondTurnAsync(process, first.Started.SessionId));
    }

    private static Task<Answer> SecondTurnAsync(SiloProcess process, string session) =>
        process.ChatAsync(
            session, 16, SamplePictures.Of("p13x700.png"), new Part { Text = "Compare it with this one." });

    private static Task<Answer> ThirdTurnAsync(SiloProcess process, string session) =>
        process.ChatAsync(session, 16, new Part { Text = "How many stars are there?" });
}
