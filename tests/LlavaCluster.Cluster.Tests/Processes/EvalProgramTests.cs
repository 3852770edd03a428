using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary><c>llava-silo eval</c> with files of questions.</summary>
public sealed class EvalProgramTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("vicuna")]
    [InlineData("yi")]
    public async Task Eval_GoldenCasesAtOnce_GivesEachItsGoldenAnswerInOrder(string checkpoint)
    {
        var cases = Cases(checkpoint);
        var file = Questions(cases.Select(c => Line((string)c["name"]!, c["images"]!, c["messages"]!)));
        var (exitCode, output, _) = await EvalAsync(checkpoint, file, "--max-new-tokens", "40");

        Assert.Equal(0, exitCode);
        var answers = Lines(output);
        Assert.Equal(cases.Select(c => (string?)c["name"]), answers.Select(a => (string?)a["id"]));
        foreach (var (one, answer) in cases.Zip(answers))
        {
            // The reference cuts an answer where two tokens are close.
            Assert.StartsWith((string)one["greedy"]!["text"]!, (string)answer["answer"]!);
        }
    }

    [Fact]
    public async Task Eval_UnansweredTurns_AreAnsweredOneAfterTheOther()
    {
        var file = Questions(
        [
            """{"id": 1, "images": ["p300x200.png"], "messages": [{"role": "user", "content": "What is it?"}]}""",
            """{"id": 2, "images": ["p300x200.png"], "messages": [{"role": "user", "content": "What is it?"}, {"role": "user", "content": "And then?"}]}""",
        ]);
        var (exitCode, output, _) = await EvalAsync("vicuna", file, "--max-new-tokens", "6");

        Assert.Equal(0, exitCode);
        var (one, two) = (Lines(output)[0], Lines(output)[1]);
        Assert.Null(one["answers"]);
        Assert.Equal(2, two["answers"]!.AsArray().Count);
        Assert.Equal((string?)one["answer"], (string?)two["answers"]![0]);
        Assert.Equal((string?)two["answer"], (string?)two["answers"]![1]);
    }

    [Fact]
    public async Task Eval_BaseTileOnly_AnswersByAnotherSight()
    {
        var cases = Cases("vicuna").Where(c => c["images"]!.AsArray().Count == 1).Take(4).ToArray();
        var file = Questions(cases.Select(c => Line((string)c["name"]!, c["images"]!, c["messages"]!)));
        var (exitCode, output, _) = await EvalAsync("vicuna", file, "--max-new-tokens", "12", "--base-tile-only");

        Assert.Equal(0, exitCode);
        Assert.Contains(cases.Zip(Lines(output)), p => !((string)p.First["greedy"]!["text"]!).StartsWith((string)p.Second["answer"]!));
    }

    [Fact]
    public async Task Eval_BaseTileOnlyOfLlava15_IsRefused()
    {
        var file = Questions(["""{"id": 1, "messages": [{"role": "user", "content": "Q"}]}"""]);
        var (exitCode, output, errors) = await EvalAsync("llava15", file, "--base-tile-only");

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Equal("llava15 sees every picture in one tile; --base-tile-only is for LLaVA-NeXT.", errors.Trim());
    }

    [Fact]
    public async Task Eval_BadLines_AreToldBeforeAnythingIsAsked()
    {
        var file = Questions(
        [
            """{"id": 1, "messages": [{"role": "user", "content": "Q"}]}""",
            """{"id": 2, "messages": [{"role": "user", "content": ""}]}""",
            """{"id": 3, "messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}""",
        ]);
        var (exitCode, output, errors) = await EvalAsync("vicuna", file);

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Equal(
            [
                $"{file}, line 2: Message 1 is empty; the user must say or show something.",
                $"{file}, line 3: A conversation ends with a user's message; the last of 2 is the assistant's.",
            ],
            errors.Trim().Split('\n'));
    }

    [Fact]
    public async Task Eval_QuestionThatDoesNotFit_FailsAloneAndIsTold()
    {
        var file = Questions(
        [
            $$"""{"id": "long", "messages": [{"role": "user", "content": "{{string.Concat(Enumerable.Repeat("Q7 ", 4000))}}"}]}""",
            """{"id": "short", "messages": [{"role": "user", "content": "Q"}]}""",
        ]);
        var (exitCode, output, errors) = await EvalAsync("vicuna", file, "--max-new-tokens", "3");

        Assert.Equal(1, exitCode);
        Assert.Matches("^Question \"?long\"?: Prompt has [\\d,]+ tokens \\(0 from images\\); this model takes 4,096\\.", errors);
        Assert.StartsWith("Prompt has", (string)Lines(output)[0]["error"]!);
        Assert.NotNull(Lines(output)[1]["answer"]);
    }

    [Fact]
    public async Task Eval_Suite_CountsEveryRow()
    {
        string[] arguments =
        [
            "eval", "--model", GoldenFolder.Of("checkpoints", "vicuna"), "--base-tile-only", "--suite", "pictures", "--seed", "4", "--count", "1",
            "--max-new-tokens", "2", "--log", _folder.Of("log.jsonl"),
        ];
        var asJson = await RunningProgram.RunAsync(BuiltProgram.Silo, [.. arguments, "--json"]);
        var asText = await RunningProgram.RunAsync(BuiltProgram.Silo, arguments);

        Assert.Equal((0, 0), (asJson.ExitCode, asText.ExitCode));
        var rows = JsonNode.Parse(asJson.Output)!["rows"]!.AsArray();
        Assert.Equal(16, rows.Count);
        Assert.All(rows, row => Assert.Equal(1, (int)row!["asked"]!));
        var table = asText.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(rows.Select(row => (string?)row!["row"]), table.Take(16).Select(line => line.Split("  ")[0]));
        Assert.Contains("0 of 1      0.000", table[0]);
        Assert.Equal(rows.Select(row => (string?)row!["row"]), Lines(File.ReadAllText(_folder.Of("log.jsonl"))).Select(l => (string?)l["row"]));
    }

    [Theory]
    [InlineData("--max-new-tokens 0 --questions q", "--max-new-tokens is 0; it must be 1 or more.")]
    [InlineData("--count 0 --suite pictures", "--count is 0; it must be 1 or more.")]
    [InlineData("--suite films", "There is no suite 'films'; there is pictures.")]
    [InlineData("--model tiny", "eval needs either --questions FILE with --pictures DIR, or --suite pictures.")]
    [InlineData("--questions q --suite pictures", "eval needs either --questions FILE with --pictures DIR, or --suite pictures.")]
    public async Task Eval_WrongUsage_SaysWhatIsNeeded(string arguments, string sentence)
    {
        var (exitCode, _, errors) = await RunningProgram.RunAsync(BuiltProgram.Silo, ["eval", .. arguments.Split(' ')]);

        Assert.Equal(2, exitCode);
        Assert.StartsWith(sentence, errors);
    }

    private static Task<(int ExitCode, string Output, string Errors)> EvalAsync(string checkpoint, string file, params string[] more) =>
        RunningProgram.RunAsync(
            BuiltProgram.Silo,
            ["eval", "--model", GoldenFolder.Of("checkpoints", checkpoint), "--questions", file, "--pictures", GoldenFolder.Of("pictures"),
                "--dtype", "float32", .. more]);

    private static JsonObject[] Cases(string checkpoint) =>
        [.. JsonNode.Parse(File.ReadAllBytes(GoldenFolder.Of("cases", $"{checkpoint}.json")))!["cases"]!.AsArray().Select(c => c!.AsObject())];

    private static string Line(string id, JsonNode images, JsonNode messages) =>
        new JsonObject { ["id"] = id, ["images"] = images.DeepClone(), ["messages"] = messages.DeepClone() }.ToJsonString();

    private static JsonObject[] Lines(string output) =>
        [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonSerializer.Deserialize<JsonObject>(l)!)];

    private string Questions(IEnumerable<string> lines)
    {
        var file = _folder.Of("questions.jsonl");
        File.WriteAllLines(file, lines);
        return file;
    }
}
