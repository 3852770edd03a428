using Grpc.Core;
using LlavaCluster.Protos;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>
/// What a client may send by mistake or malice, with the exact answer; session and engine stay as they were.
/// </summary>
[Collection(SharedSiloTests.Name)]
public sealed class BadInputTests(SharedSilo silo)
{
    private static readonly Part Question = new() { Text = "What is this?" };

    [Fact]
    public Task Chat_NotAnImage_IsRefused() => RefusedAsync(
        StatusCode.InvalidArgument,
        "Not an image: the file begins with 48656C6C6F20776F (\"Hello wo\"); send PNG, JPEG, WebP, GIF or BMP.",
        SamplePictures.Part("Hello world"u8.ToArray()),
        Question);

    [Fact]
    public Task Chat_TruncatedJpeg_IsRefused() => RefusedAsync(
        StatusCode.InvalidArgument,
        "The jpeg file ends before its picture does: it is truncated. Send the whole file.",
        SamplePictures.Part(SamplePictures.CutJpeg()),
        Question);

    [Fact]
    public Task Chat_HugePngHeader_IsRefused() => RefusedAsync(
        StatusCode.InvalidArgument,
        "The png image is 60,000×60,000 pixels; no side may be longer than 16,384. Scale it down.",
        SamplePictures.Part(SamplePictures.PngHeader(60_000, 60_000)),
        Question);

    [Fact]
    public Task Chat_ZeroBytes_IsRefused() => RefusedAsync(
        StatusCode.InvalidArgument,
        "The image has zero bytes; send PNG, JPEG, WebP, GIF or BMP.",
        SamplePictures.Part([]),
        Question);

    [Fact]
    public Task Chat_TooManyImages_IsRefused() => RefusedAsync(
        StatusCode.InvalidArgument,
        "The turn has 25 images; at most 24 are taken. Send fewer.",
        [.. Enumerable.Repeat(SamplePictures.Of("p2x2.png"), 25), Question]);

    [Fact]
    public Task Chat_PromptLongerThanContext_IsRefusedWithTheNumbers() => RefusedAsync(
        StatusCode.FailedPrecondition,
        "Prompt has 4,718 tokens (4,704 from images); this model takes 4,096. Shorten the text or send fewer images.",
        [.. Enumerable.Repeat(SamplePictures.Of("p2x2.png"), 4), Question]);

    [Fact]
    public Task Chat_EmptyTurn_IsRefused() =>
        RefusedAsync(
            StatusCode.InvalidArgument, "The turn is empty; send a text or an image.", new Part { Text = "  \n" });

    [Fact]
    public Task Chat_NoParts_IsRefused() =>
        RefusedAsync(StatusCode.InvalidArgument, "The turn is empty; send a text or an image.");

    [Fact]
    public Task Chat_PartWithoutContent_IsRefused() => RefusedAsync(
        StatusCode.InvalidArgument, "A part of the turn has neither text nor image, or both; send one of the two.", Question, new Part());

    [Fact]
    public Task Chat_FortyMegabytesOfText_AreRefusedByTheirNumber() => RefusedAsync(
        StatusCode.InvalidArgument,
        "The turn has 40,000,000 characters; at most 1,048,576 are taken. Shorten the text.",
        new Part { Text = new string('a', 40_000_000) });

    [Fact]
    public async Task Chat_UnknownSession_IsRefused()
    {
        var error = await Assert.ThrowsAsync<RpcException>(
            () => silo.Process.ChatAsync("no-such-session", 4, Question));

        Assert.Equal(
            (StatusCode.NotFound, "There is no session 'no-such-session'; leave the session id empty to start one."),
            Said(error));
    }

    [Fact]
    public async Task Chat_SamplingOutOfRange_ListsEveryMistake()
    {
        var request = SiloProcess.Turn("", 4, Question);
        request.Sampling = new SamplingOptions { Temperature = -1, TopP = 0, MinP = 2, Stop = { "" } };
        var error = await Assert.ThrowsAsync<RpcException>(() => Answer.ReadAsync(silo.Client.ChatAsync(request)));

        Assert.Equal(
            (StatusCode.InvalidArgument,
            "temperature is -1; it must be 0 to 100. top_p is 0; it must be above 0 and at most 1. min_p is 2; it must be 0 to 1. "
            + "A stop text is empty; leave it out."),
            Said(error));
    }

    [Fact]
    public async Task Chat_RefusedTurn_LeavesTheSessionAsItWas()
    {
        var first = await silo.Process.ChatAsync("", 4, new Part { Text = "One." });
        var session = first.Started.SessionId;
        await Assert.ThrowsAsync<RpcException>(
            () => silo.Process.ChatAsync(session, 4, SamplePictures.Part(SamplePictures.CutJpeg()), Question));
        var second = await silo.Process.ChatAsync(session, 4, new Part { Text = "Two." });

        Assert.Equal(2, (await silo.Client.GetSessionAsync(session)).Turns.Count);
        Assert.InRange(second.Started.PromptTokens, first.Started.PromptTokens + 4, first.Started.PromptTokens + 20);
    }

    [Fact]
    public async Task Chat_TurnIdUsedForOtherContent_AlreadyExists()
    {
        var request = SiloProcess.Turn("", 2, new Part { Text = "One." });
        request.TurnId = "mine";
        request.SessionId = (await Answer.ReadAsync(silo.Client.ChatAsync(request))).Started.SessionId;
        request.Parts[0].Text = "Two.";
        var error = await Assert.ThrowsAsync<RpcException>(() => Answer.ReadAsync(silo.Client.ChatAsync(request)));

        Assert.Equal(
            (StatusCode.AlreadyExists, "Turn id 'mine' was used for another message; choose a new one."), Said(error));
    }

    [Fact]
    public async Task Chat_UnknownImageHash_IsRefused()
    {
        var hash = new string('a', 64);
        await RefusedAsync(
            StatusCode.NotFound, $"There is no image {hash}; send its bytes, or put it first.", new Part { ImageSha256 = hash }, Question);
    }

    [Fact]
    public async Task Chat_SpecialTokensInText_AreOrdinaryWords()
    {
        var plain = await silo.Process.ChatAsync("", 1, new Part { Text = "Say <image> and </s> <image><image>." });

        // Were <image> read as the special id, the prompt would lack its pictures.
        Assert.Empty(plain.Started.ImageTokens);
        Assert.Single(plain.Tokens);
    }

    [Fact]
    public async Task PutImage_TooLarge_IsRefusedWhileItIsRead()
    {
        using var endless = new MemoryStream(new byte[21 << 20]);
        var error = await Assert.ThrowsAsync<RpcException>(() => silo.Client.PutImageAsync(endless));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Matches(
            @"^The image file has 2\d,\d{3},\d{3} bytes; at most 20,971,520 are taken\. Send a smaller or more compressed one\.$",
            error.Status.Detail);
    }

    [Fact]
    public async Task GetImageInfo_NoHash_IsRefused()
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => silo.Client.GetImageInfoAsync("zzz"));

        Assert.Equal(
            (StatusCode.InvalidArgument, "'zzz' is not an image hash: 64 hexadecimal digits are."), Said(error));
    }

    [Theory]
    [InlineData("get")]
    [InlineData("delete")]
    [InlineData("cancel")]
    public async Task Session_Unknown_IsNotFound(string what)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => what switch
        {
            "get" => silo.Client.GetSessionAsync("nobody"),
            "delete" => silo.Client.DeleteSessionAsync("nobody"),
            _ => silo.Client.CancelTurnAsync("nobody"),
        });

        Assert.Equal(
            (StatusCode.NotFound, "There is no session 'nobody'; leave the session id empty to start one."),
            Said(error));
    }

    [Fact]
    public async Task DeleteSession_Known_ForgetsIt()
    {
        var session = (await silo.Process.ChatAsync("", 2, new Part { Text = "One." })).Started.SessionId;
        await silo.Client.DeleteSessionAsync(session);

        Assert.Equal(
            StatusCode.NotFound,
            (await Assert.ThrowsAsync<RpcException>(() => silo.Client.GetSessionAsync(session))).StatusCode);
    }

    [Fact]
    public async Task ListModels_TellsWhatServes()
    {
        var model = Assert.Single(await silo.Client.ListModelsAsync());

        Assert.Equal(
            ("vicuna", "llava_next", 4096, "float32", "vicuna-hf", 1),
            (model.Name, model.Kind, model.ContextTokens, model.Dtype, model.Template, model.TensorParallel));
    }

    private async Task RefusedAsync(StatusCode code, string message, params Part[] parts)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => silo.Process.ChatAsync("", 4, parts));

        Assert.Equal((code, message), Said(error));
    }

    private static (StatusCode Code, string Message) Said(RpcException error) =>
        (error.StatusCode, error.Status.Detail);
}
