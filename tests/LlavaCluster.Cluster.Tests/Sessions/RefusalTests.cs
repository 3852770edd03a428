using LlavaCluster.Core.Engine;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>Requests that are refused: the exact sentence, and nothing has changed.</summary>
public sealed class RefusalTests(FakeCluster cluster) : IClassFixture<FakeCluster>
{
    [Fact]
    public async Task Chat_EmptyTurn() => await RefusedAsync(
        Turn("b", "  "), RefusalCode.InvalidArgument, "The turn is empty; send a text or an image.");

    [Fact]
    public async Task Chat_NoParts() => await RefusedAsync(
        Turn("b", "") with { Parts = [] }, RefusalCode.InvalidArgument, "The turn is empty; send a text or an image.");

    [Fact]
    public async Task Chat_TwentyFiveImages()
    {
        var cat = await cluster.PutAsync(FakeImages.Bmp(60, 40, 1));
        await RefusedAsync(
            Turn("b", "x", [.. Enumerable.Repeat(cat, 25)]),
            RefusalCode.InvalidArgument,
            "The turn has 25 images; at most 24 are taken. Send fewer.");
    }

    [Fact]
    public async Task Chat_UnknownImage()
    {
        var hash = new string('a', 64);
        await RefusedAsync(Turn("b", "x", hash), RefusalCode.NotFound, $"There is no image {hash}; send its bytes, or put it first.");
    }

    [Fact]
    public async Task Chat_NotAHash() => await RefusedAsync(
        Turn("b", "x", "cat.png"), RefusalCode.InvalidArgument, "'cat.png' is not an image hash: 64 hexadecimal digits are.");

    [Fact]
    public async Task Chat_NotAnImage() => await RefusedAsync(
        Turn("b", "x", await cluster.PutAsync("plain words"u8.ToArray())),
        RefusalCode.InvalidArgument,
        "Not an image: the file begins with 706C61696E20776F (\"plain wo\"); send PNG, JPEG, WebP, GIF or BMP.");

    [Fact]
    public async Task Chat_DamagedImage_IsFoundByTheEncoderBeforeTheTurnIsWrittenDown() => await RefusedAsync(
        Turn("b", "x", await cluster.PutAsync(FakeImages.Truncated(60, 40))),
        RefusalCode.InvalidArgument,
        "The image is cut off; send the whole file.");

    [Fact]
    public async Task Chat_TooLong()
    {
        var cat = await cluster.PutAsync(FakeImages.Bmp(56, 56, 1));

        // 1 + 1 + 3 + 1 + 20 of the first turn; then 1 + 1 + (4 + 4 × 5) + 1000 + 1.
        await RefusedAsync(
            Turn("b", new string('x', 1000), cat),
            RefusalCode.ContextExceeded,
            "Prompt has 1,053 tokens (24 from images); this model takes 1,024. Shorten the text or send fewer images.");
    }

    [Fact]
    public async Task Chat_SystemMessageInALaterTurn() => await RefusedAsync(
        Turn("b", "x") with { System = "be brief" },
        RefusalCode.InvalidArgument,
        "Only the first turn of a session may bring a system message; leave it out or start a new session.");

    [Fact]
    public async Task Chat_OptionsOutOfRange()
    {
        await RefusedAsync(
            Turn("b", "x") with { Sampling = new SamplingMessage { Temperature = -1 } },
            RefusalCode.InvalidArgument,
            "temperature is -1; it must be 0 to 100.");
        await RefusedAsync(
            Turn("b", "x") with { Sampling = new SamplingMessage { TopP = 0 } },
            RefusalCode.InvalidArgument,
            "top_p is 0; it must be above 0 and at most 1.");
        await RefusedAsync(
            Turn("b", "x") with { Sampling = new SamplingMessage { Temperature = float.NaN } },
            RefusalCode.InvalidArgument,
            "temperature is NaN; it must be 0 to 100.");
        await RefusedAsync(
            Turn("b", "x") with { Sampling = new SamplingMessage { LogProbs = 21 } },
            RefusalCode.InvalidArgument,
            "logprobs is 21; it must be 0 to 20.");
        await RefusedAsync(
            Turn("b", "x") with { Sampling = new SamplingMessage { LogitBias = new Dictionary<int, float> { [1000] = 1 } } },
            RefusalCode.InvalidArgument,
            "logit_bias names token 1000; this model has 0 to 999.");
        await RefusedAsync(
            Turn("b", "x") with { MaxTokens = -1 },
            RefusalCode.InvalidArgument,
            "max_tokens is -1; it must be 1 or more, or 0 for the default.");
    }

    [Fact]
    public async Task Chat_IdsThatAreTooLongOrUnprintable()
    {
        await RefusedAsync(
            Turn(new string('t', 257), "x"), RefusalCode.InvalidArgument, "The turn id has 257 characters; at most 256 are taken.");
        await RefusedAsync(
            Turn("a\nb", "x"), RefusalCode.InvalidArgument, "The turn id has control characters; use letters, digits and punctuation.");
        await RefusedAsync(
            Turn("a", "x"),
            RefusalCode.InvalidArgument,
            "The session id has 300 characters; at most 256 are taken.",
            session: new string('s', 300));
    }

    [Fact]
    public async Task Chat_UnknownSession()
    {
        var error = await Assert.ThrowsAsync<TurnRefusedException>(
            () => cluster.ChatAsync("nowhere", Turn("a", "x") with { MayCreate = false }).WaitAsync(Patience));

        Assert.Equal((RefusalCode.NotFound, "There is no session 'nowhere'; leave the session id empty to start one."), (error.Code, error.Message));
    }

    [Fact]
    public async Task Chat_EngineQueueFull_TellsWhenToTryAgain()
    {
        var gate = new StepGate();
        cluster.Runner.BeforeStep = gate.Pass;
        // One runs and stands at the gate; two wait for the border of the step.
        var first = cluster.ChatAsync("full-0", Turn("a", "x"));
        await gate.ArrivedAsync();
        Task[] all = [first, cluster.ChatAsync("full-1", Turn("a", "x")), cluster.ChatAsync("full-2", Turn("a", "x"))];
        using var patience = new CancellationTokenSource(Patience);
        while (cluster.Engine.Load.Waiting < 2)
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        await RefusedAsync(
            Turn("b", "x"),
            RefusalCode.QueueFull,
            "2 sequences wait already; this replica lets no more wait. Try again in a moment.",
            TimeSpan.FromSeconds(1),
            "full-before");
        gate.Open();
        await Task.WhenAll(all).WaitAsync(Patience);
        await cluster.IdleAsync();
        cluster.Runner.BeforeStep = null;
    }

    [Fact]
    public async Task Chat_EngineFails_TheTurnIsFailedAndForgottenByTheModel()
    {
        var mirror = new Answers.Mirror();
        mirror.Next("one", []);
        await cluster.ChatAsync("fails", Turn("a", "one")).WaitAsync(Patience);
        cluster.Runner.BeforeStep = _ => throw new InvalidOperationException("no memory");
        var failed = await cluster.ChatAsync("fails", Turn("b", "two")).WaitAsync(Patience);
        cluster.Runner.BeforeStep = null;

        Assert.Equal(FinishReason.Failed, failed.Finished().Reason);
        Assert.Equal(mirror.Next("three", []), (await cluster.ChatAsync("fails", Turn("c", "three")).WaitAsync(Patience)).Tokens());
    }

    [Fact]
    public async Task Chat_EncoderFails_TheTurnIsFailedAndTheNextOneIsNot()
    {
        var cat = await cluster.PutAsync(FakeImages.Bmp(50, 40, 77));
        cluster.Tower.BeforeBatch = _ => throw new OwnException();
        var failed = await cluster.ChatAsync("tower", Turn("a", "one", cat)).WaitAsync(Patience);
        cluster.Tower.BeforeBatch = null;

        Assert.Equal(FinishReason.Failed, failed.Finished().Reason);
        Assert.Equal(
            new Answers.Mirror().Next("two", [(cat, 50, 40)]),
            (await cluster.ChatAsync("tower", Turn("b", "two", cat)).WaitAsync(Patience)).Tokens());
    }

    /// <summary>A second turn of a session is refused; session, log and engine are as after the first.</summary>
    private async Task RefusedAsync(
        TurnRequestMessage request, RefusalCode code, string message, TimeSpan? retryAfter = null, string? session = null)
    {
        if (session is null)
        {
            session = Guid.NewGuid().ToString("N");
            await cluster.ChatAsync(session, Turn("a", "one")).WaitAsync(Patience);
            await cluster.IdleAsync();
        }

        var (entries, steps) = ((await cluster.Log.ReadAsync(session, default)).Count, cluster.Runner.Plans.Count);

        var error = await Assert.ThrowsAsync<TurnRefusedException>(() => cluster.ChatAsync(session, request).WaitAsync(Patience));

        Assert.Equal(message, error.Message);
        Assert.Equal((code, retryAfter), (error.Code, error.RetryAfter));
        Assert.Equal(entries, (await cluster.Log.ReadAsync(session, default)).Count);
        if (entries > 0)
        {
            Assert.Equal(steps, cluster.Runner.Plans.Count);
            Assert.Single((await cluster.Session(session).Get()).Turns);
        }
    }

    /// <summary>As a model's own exceptions: of no use on another silo.</summary>
    private sealed class OwnException : Exception;
}
