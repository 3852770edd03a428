using System.Text.Json;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>The commands of <c>llava-silo</c> that do their work and end.</summary>
public sealed class SiloProgramTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("vicuna", "small-tie", "p300x200.png", "Describe the red triangle in detail.")]
    [InlineData("llava15", "small-tie", "p300x200.png", "Describe the red triangle in detail.")]
    [InlineData("yi", "portrait", "p480x640.png", "Which colour is the bridge?")]
    [InlineData("mistral-original", "p336x336-1", "p336x336.png", "What is shown in this image?")]
    public async Task Ask_EachFamily_PrintsTheGoldenAnswer(
        string checkpoint, string name, string picture, string question)
    {
        var golden = GoldenAnswer.Read(checkpoint, name);
        var (exitCode, output, errors) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "ask", SamplePictures.PathOf(picture), question, "--model", Checkpoint(checkpoint), "--dtype",
            "float32", "--max-tokens", $"{golden.Tokens.Count}");

        Assert.Equal((0, golden.Text + "\n", ""), (exitCode, output, errors));
    }

    [Fact]
    public async Task Ask_SmallModelStoredInSixteenBits_IsExactWithoutBeingTold()
    {
        var golden = GoldenAnswer.Read("mistral", "small-tie");
        var (_, output, _) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "ask", SamplePictures.PathOf("p300x200.png"), "Describe the red triangle in detail.", "--model",
            Checkpoint("mistral"), "--max-tokens", $"{golden.Tokens.Count}");

        Assert.Equal(golden.Text + "\n", output);
    }

    /// <summary>Codes of 8 bits change few tokens; the first ones of this answer are the same.</summary>
    [Theory]
    [InlineData("torch")]
    [InlineData("fast")]
    public async Task Ask_WeightsInInt8_BeginsAsTheGoldenAnswer(string kernels)
    {
        var golden = GoldenAnswer.Read("vicuna", "small-tie");
        var (exitCode, output, errors) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "ask", SamplePictures.PathOf("p300x200.png"), "Describe the red triangle in detail.", "--model",
            Checkpoint("vicuna"), "--max-tokens", "4", "--weights", "int8", "--kernels", kernels);

        Assert.Equal((0, ""), (exitCode, errors));
        Assert.StartsWith(output.TrimEnd('\n'), golden.Text);
    }

    [Fact]
    public async Task Ask_WeightsKeptForTheNextStart_GivesTheSameAnswer()
    {
        var folder = _folder.Copy(GoldenFolder.Of("checkpoints", "mistral"), "mistral");
        string[] arguments = ["ask", "Who are you?", "--model", folder, "--max-tokens", "6", "--weights", "int4", "--weights-cache"];
        var first = await RunningProgram.RunAsync(BuiltProgram.Silo, arguments);
        Assert.True(File.Exists(Path.Combine(folder, "llava-int4.codes")));
        var second = await RunningProgram.RunAsync(BuiltProgram.Silo, arguments);

        Assert.Equal((0, ""), (first.ExitCode, first.Errors));
        Assert.Equal(first, second);
    }

    /// <summary>README's picture and questions.</summary>
    [Theory]
    [InlineData("What shape is red?", "circle")]
    [InlineData("Which colour is the square?", "blue")]
    [InlineData("Where is the triangle?", "bottom")]
    [InlineData("What does the text say?", "LLAVA")]
    public async Task Ask_WithoutModel_TheEmbeddedOneKnows(string question, string answer)
    {
        var picture = Path.Combine(GoldenFolder.Repository, "silo", "LlavaCluster.Silo", "models", "shapes.png");
        var (exitCode, output, errors) = await RunningProgram.RunAsync(BuiltProgram.Silo, "ask", picture, question);

        Assert.Equal((0, answer, ""), (exitCode, output.Trim().TrimEnd('.'), errors));
    }

    [Fact]
    public async Task Ask_BadPicture_NamesTheFile()
    {
        var file = _folder.Write("note.png", "Hello world"u8.ToArray());
        var (exitCode, output, errors) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "ask", file, "What is this?", "--model", Checkpoint("vicuna"));

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Equal(
            $"{file}: Not an image: the file begins with 48656C6C6F20776F (\"Hello wo\"); send PNG, JPEG, WebP, GIF or BMP.",
            errors.Trim());
    }

    [Fact]
    public async Task Inspect_CasesOnTwoRanks_AgreesWithTheReference()
    {
        const string Original = "vicuna-original";
        var file = GoldenFolder.Of("cases", $"{Original}.json");
        var (exitCode, output, _) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "inspect", "--model", Checkpoint(Original), "--cases", file, "--pictures",
            GoldenFolder.Of("pictures"), "--tensor-parallel", "2");
        using var ours = JsonDocument.Parse(output);
        using var reference = JsonDocument.Parse(await File.ReadAllBytesAsync(file));

        Assert.Equal(0, exitCode);
        Assert.Equal("float32", ours.RootElement.GetProperty("dtype").GetString());
        foreach (var (want, have) in Cases(reference).Zip(Cases(ours)))
        {
            foreach (var key in new[] { "name", "template", "prompt", "prompt_tokens", "image_tokens", "text_ids" })
            {
                Assert.Equal(Json(want.GetProperty(key)), Json(have.GetProperty(key)));
            }

            foreach (var key in new[] { "shape", "sha256_float32", "sha256_uint8", "tile_sha256_uint8" })
            {
                Assert.Equal(
                    Json(want.GetProperty("pixels")[0].GetProperty(key)),
                    Json(have.GetProperty("pixels")[0].GetProperty(key)));
            }

            var tokens = Tokens(want);
            Assert.Equal(tokens, Tokens(have).Take(tokens.Length));
        }

        Assert.Equal(Cases(reference).Count(), Cases(ours).Count());
    }

    /// <summary>The reference is a second implementation, in another language; see tests/golden/tiny.py.</summary>
    [Fact]
    public async Task Inspect_EmbeddedModel_AgreesWithTheReference()
    {
        var file = GoldenFolder.Of("tiny.json");
        var (exitCode, output, _) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "inspect", "--model", "tiny", "--cases", file, "--pictures", GoldenFolder.Of("pictures"), "--dtype", "float32");
        using var ours = JsonDocument.Parse(output);
        using var reference = JsonDocument.Parse(await File.ReadAllBytesAsync(file));

        Assert.Equal(0, exitCode);
        Assert.Equal(Cases(reference).Count(), Cases(ours).Count());
        foreach (var (want, have) in Cases(reference).Zip(Cases(ours)))
        {
            Assert.Equal(Json(want.GetProperty("text_ids")), Json(have.GetProperty("text_ids")));
            Assert.Equal(want.GetProperty("prompt_tokens").GetInt32(), have.GetProperty("prompt_tokens").GetInt32());
            var tokens = Tokens(want);
            Assert.NotEmpty(tokens);
            Assert.Equal(tokens, Tokens(have).Take(tokens.Length));
        }
    }

    [Fact]
    public async Task Inspect_CaseThatFails_TellsAndGoesOnWithTheOthers()
    {
        var cases = _folder.Write("cases.json", """
            {"cases": [
              {"name": "lost", "messages": [{"role": "user", "content": [{"type": "image"}]}], "images": ["nowhere.png"]},
              {"name": "fine", "messages": [{"role": "user", "content": "Hello?"}], "images": []}
            ]}
            """u8.ToArray());
        var (exitCode, output, _) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "inspect", "--model", Checkpoint("vicuna"), "--cases", cases, "--pictures", "pictures",
            "--max-new-tokens", "3");
        using var ours = JsonDocument.Parse(output);

        Assert.Equal(1, exitCode);
        Assert.Equal(
            "There is no picture 'pictures/nowhere.png'.", Cases(ours).First().GetProperty("error").GetString());
        Assert.Equal(3, Cases(ours).Last().GetProperty("greedy").GetProperty("tokens").GetArrayLength());
    }

    [Theory]
    [InlineData("vicuna")]
    [InlineData("mistral-original")]
    public async Task Inspect_Texts_NeedsTheTokenizerAlone(string checkpoint)
    {
        var folder = _folder.Copy(Checkpoint(checkpoint), checkpoint);
        File.Delete(Path.Combine(folder, "model.safetensors"));
        var texts = _folder.Write("texts.json", """["Hello wörld", "<image> 你好"]"""u8.ToArray());
        var (exitCode, output, errors) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "inspect", "--model", folder, "--texts", texts);

        Assert.Equal((0, ""), (exitCode, errors));
        using var table = JsonDocument.Parse(output);
        var row = table.RootElement.GetProperty("rows")[0];
        Assert.Equal("Hello wörld", row.GetProperty("decoded_skip_special").GetString());
        Assert.Equal(row.GetProperty("ids").GetArrayLength() - 1, row.GetProperty("ids_without_bos").GetArrayLength());
    }

    [Theory]
    [InlineData("bench")]
    [InlineData("mistral-7b")]
    [InlineData("yi-34b")]
    public async Task Synth_SmallOverrides_MakesACheckpointThatAnswers(string preset)
    {
        var folder = _folder.Of("synthetic");
        var made = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "synth", "--preset", preset, "--out", folder, "--hidden", "64", "--intermediate", "96", "--layers", "2",
            "--heads", "4", "--kv-heads", "2", "--vocabulary", "2100", "--vision-hidden", "32", "--vision-intermediate", "64",
            "--vision-layers", "3", "--vision-heads", "2");
        var asked = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "ask", SamplePictures.PathOf("p2x2.png"), "What is this?", "--model", folder, "--max-tokens", "3");

        Assert.Equal((0, ""), (made.ExitCode, made.Errors));
        Assert.Equal(0, asked.ExitCode);
        Assert.Matches("^(The answer's 3 tokens have no text.\n)?$", asked.Errors);
    }

    [Fact]
    public async Task Ask_AnswerOfIdsBeyondTheTokenizer_SaysThatThereIsNoText()
    {
        var folder = _folder.Of("synthetic");
        await RunningProgram.RunAsync(
            BuiltProgram.Silo, "synth", "--preset", "bench", "--out", folder, "--hidden", "64", "--intermediate", "96", "--layers", "2",
            "--heads", "4", "--kv-heads", "4", "--vocabulary", "65000", "--vision-hidden", "32", "--vision-intermediate", "64",
            "--vision-layers", "3", "--vision-heads", "2");
        var (exitCode, output, errors) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "ask", "What is this?", "--model", folder, "--max-tokens", "3");

        Assert.Equal((0, "\n", "The answer's 3 tokens have no text.\n"), (exitCode, output, errors));
    }

    private static IEnumerable<JsonElement> Cases(JsonDocument file) =>
        file.RootElement.GetProperty("cases").EnumerateArray();

    private static int[] Tokens(JsonElement one) =>
        [.. one.GetProperty("greedy").GetProperty("tokens").EnumerateArray().Select(t => t.GetInt32())];

    private static string Checkpoint(string name) => GoldenFolder.Of("checkpoints", name);

    private static string Json(JsonElement element) => JsonSerializer.Serialize(element);
}
