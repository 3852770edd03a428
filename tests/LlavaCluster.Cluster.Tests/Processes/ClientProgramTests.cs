using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>The program <c>llava</c> as a person uses it.</summary>
[Collection(SharedSiloTests.Name)]
public sealed class ClientProgramTests(SharedSilo silo)
{
    private const string Question = "Describe the red triangle in detail.";

    private string Server => silo.Process.Server.ToString();

    [Fact]
    public async Task Ask_WithPicture_PrintsTheGoldenAnswer()
    {
        var golden = GoldenAnswer.Read("vicuna", "small-tie");
        var (exitCode, output, errors) = await RunAsync(
            "ask", SamplePictures.PathOf("p300x200.png"), Question, "--max-tokens", $"{golden.Tokens.Count}");

        Assert.Equal((0, golden.Text + "\n", ""), (exitCode, output, errors));
    }

    [Fact]
    public async Task Ask_NoServer_SaysSo()
    {
        var (exitCode, output, errors) = await RunningProgram.RunAsync(
            BuiltProgram.Client, "ask", "Hello?", "--server", "http://127.0.0.1:1");

        Assert.Equal(
            (1, "", "No server answers there. Start one with 'llava-silo serve', or name another with --server."),
            (exitCode, output, errors.Trim()));
    }

    [Fact]
    public async Task Ask_NoSuchPicture_SaysSo()
    {
        var (exitCode, _, errors) = await RunAsync("ask", "nowhere.png", "What is this?");

        Assert.Equal((1, "There is no image file 'nowhere.png'."), (exitCode, errors.Trim()));
    }

    [Fact]
    public async Task Ask_Interrupted_ExitsWith130()
    {
        await using var asking = RunningProgram.Start(
            BuiltProgram.Client, "ask", "Tell me everything.", "--max-tokens", "4000", "--server", Server);
        await asking.OutputAsync(" ");
        asking.Signal(RunningProgram.Interrupt);

        Assert.Equal(130, (await asking.ExitAsync()).ExitCode);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("ask", "x", "--temperature", "warm")]
    [InlineData("sessions")]
    public async Task Program_WrongUsage_ExitsWithTwo(params string[] arguments) =>
        Assert.Equal(2, (await RunningProgram.RunAsync(BuiltProgram.Client, arguments)).ExitCode);

    [Fact]
    public async Task Images_PutThenInfo_TellTheSame()
    {
        var put = await RunAsync("images", "put", SamplePictures.PathOf("p13x700.png"));
        var info = await RunAsync("images", "info", put.Output.Split(' ')[0]);

        Assert.Matches(@"^[0-9a-f]{64} png 13×700 \d+ bytes 792 tokens\n$", put.Output);
        Assert.Equal(put.Output, info.Output);
    }

    [Fact]
    public async Task Chat_PicturesAndCommands_HoldsAConversation()
    {
        var golden = GoldenAnswer.Read("vicuna", "small-tie");
        await using var chat = RunningProgram.Start(
            BuiltProgram.Client, "chat", "--server", Server, "--max-tokens", $"{golden.Tokens.Count}");
        await chat.TypeAsync($"/image {SamplePictures.PathOf("p300x200.png")}");
        var at = await chat.OutputAsync("[png 300×200, 1464 tokens]");
        await chat.TypeAsync(Question);
        at = await chat.OutputAsync(golden.Text + "\n", at);
        await chat.TypeAsync($"{SamplePictures.PathOf("p13x700.png")} And this one?");
        at = await chat.OutputAsync("[png 13×700, 792 tokens]", at);
        await chat.TypeAsync("/info");
        at = await chat.OutputAsync("2 turns, ", at);
        await chat.TypeAsync("/image nowhere.png");
        at = await chat.OutputAsync("There is no image file 'nowhere.png'.", at);
        await chat.TypeAsync("/new");
        at = await chat.OutputAsync("A new conversation begins.", at);
        await chat.TypeAsync("/dance");
        await chat.OutputAsync("There is no command '/dance'. /help lists them.", at);
        await chat.TypeAsync("/quit");

        Assert.Equal(0, (await chat.ExitAsync()).ExitCode);
    }

    [Fact]
    public async Task Chat_Interrupted_EndsTheTurnAndNotTheProgram()
    {
        await using var chat = RunningProgram.Start(
            BuiltProgram.Client, "chat", "--server", Server, "--max-tokens", "3000");
        var at = await chat.OutputAsync("> ");
        await chat.TypeAsync("Tell me everything.");
        at = await chat.OutputAsync(" ", at);
        chat.Signal(RunningProgram.Interrupt);
        at = await chat.OutputAsync("(cancelled)", at);
        await chat.TypeAsync("/info");
        await chat.OutputAsync("1 turns, ", at);
        await chat.TypeAsync("/quit");

        Assert.Equal(0, (await chat.ExitAsync()).ExitCode);
    }

    [Fact]
    public async Task Sessions_ShowThenDelete_Work()
    {
        var answer = await silo.Process.ChatAsync("", 4, new Protos.Part { Text = "Remember the harbour." });
        var session = answer.Started.SessionId;
        var shown = await RunAsync("sessions", "show", session);
        var deleted = await RunAsync("sessions", "delete", session);
        var again = await RunAsync("sessions", "show", session);

        Assert.Contains($"session {session}, 1 turns, ", shown.Output);
        Assert.Contains("user: Remember the harbour.\n", shown.Output);
        Assert.Equal(0, deleted.ExitCode);
        Assert.Equal(
            (1, $"There is no session '{session}'; leave the session id empty to start one."),
            (again.ExitCode, again.Errors.Trim()));
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments) =>
        RunningProgram.RunAsync(BuiltProgram.Client, [.. arguments, "--server", Server]);
}
