using System.Net;
using System.Net.Sockets;
using LlavaCluster.Tests;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>
/// What an operator may get wrong: one sentence on standard error, exit code 1 (or 2 for wrong usage), no stack
/// trace.
/// </summary>
public sealed class StartFailureTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Serve_NoSuchFolder_SaysSo()
    {
        var missing = _folder.Of("nothing");

        await FailsAsync(
            $"{missing}: there is no such folder. Name a checkpoint folder (config.json, *.safetensors, tokenizer files).",
            missing);
    }

    [Fact]
    public async Task Serve_WithoutTokenizer_SaysSo()
    {
        var folder = Checkpoint("vicuna");
        File.Delete(Path.Combine(folder, "tokenizer.json"));
        File.Delete(Path.Combine(folder, "tokenizer.model"));

        await FailsAsync(
            $"{folder} has neither tokenizer.json nor tokenizer.model. Copy the tokenizer's files into the checkpoint folder.",
            folder);
    }

    [Fact]
    public async Task Serve_MissingShard_NamesIt()
    {
        var folder = Checkpoint("yi");
        File.Delete(Path.Combine(folder, "model-00002-of-00003.safetensors"));

        await FailsAsync(
            $"{folder}: 1 of 3 weight files are missing, by model.safetensors.index.json: model-00002-of-00003.safetensors. Fetch them again.", folder);
    }

    [Fact]
    public async Task Serve_WrongShape_NamesTensorAndNumbers()
    {
        var folder = Checkpoint("vicuna");
        var config = Path.Combine(folder, "config.json");
        await File.WriteAllTextAsync(
            config,
            (await File.ReadAllTextAsync(config)).Replace("\"num_key_value_heads\": 4", "\"num_key_value_heads\": 2"));

        var wrong = string.Join(", ", Enumerable.Range(0, 3).SelectMany(layer => new[] { "k", "v" }.Select(
            part => $"language_model.layers.{layer}.self_attn.{part}_proj.weight (expected [32, 64], file has [64, 64])")));
        await FailsAsync(
            $"{folder}: the weights do not fit config.json. 6 tensors are of another shape: {wrong}.", folder);
    }

    [Fact]
    public async Task Serve_TruncatedFile_NamesItAndTheNumbers()
    {
        var folder = Checkpoint("vicuna");
        var file = Path.Combine(folder, "model.safetensors");
        await using (var stream = File.OpenWrite(file))
        {
            stream.SetLength(500_000);
        }

        await FailsAsync(
            $"{file}: tensor 'language_model.model.embed_tokens.weight' ends at byte 524,416 of the data, but the file has only 487,136. "
            + "It is truncated: fetch it again.",
            folder);
    }

    [Fact]
    public async Task Serve_ManyMistakes_TellsAllAtOnce()
    {
        var (exitCode, _, errors) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "serve", "--dtype", "float8", "--kernels", "quick", "--weights", "int3", "--http", "99999", "--roles", "gateway,cook", "--bind", "here");

        Assert.Equal(1, exitCode);
        Assert.Equal(
            [
                "Llava:Http is 99999; it must lie between 0 and 65535.",
                "Role 'cook' is unknown; gateway, encoder, decoder are known.",
                "'here' is no address to listen at; 127.0.0.1 and 0.0.0.0 are examples.",
                "dtype 'float8' is unknown; auto, float32, bfloat16, float16 are known.",
                "weights 'int3' are unknown; full, int8, int4 are known.",
                "kernels 'quick' is unknown; auto, fast, torch are known.",
            ],
            Lines(errors));
    }

    [Fact]
    public async Task Serve_UnknownDtype_SaysSo()
    {
        var (exitCode, _, errors) = await RunningProgram.RunAsync(BuiltProgram.Silo, "serve", "--dtype", "float8");

        Assert.Equal(
            (1, "dtype 'float8' is unknown; auto, float32, bfloat16, float16 are known."), (exitCode, errors.Trim()));
    }

    [Fact]
    public async Task Serve_UnknownTemplate_SaysSo()
    {
        var (exitCode, _, errors) = await RunAsync(GoldenFolder.Of("checkpoints", "vicuna"), "--template", "alpaca");

        Assert.Equal(1, exitCode);
        Assert.StartsWith("No chat template is called 'alpaca'. There are vicuna-hf, ", errors);
    }

    [Fact]
    public async Task Serve_RanksThatDoNotDivide_SaysSo()
    {
        var (exitCode, _, errors) = await RunAsync(GoldenFolder.Of("checkpoints", "vicuna"), "--tensor-parallel", "3");

        Assert.Equal(
            (1, "num_attention_heads 4 does not divide by 3 ranks. Take a number of ranks that divides it."),
            (exitCode, errors.Trim()));
    }

    [Fact]
    public async Task Serve_Int4RanksThatCutAGroup_SaysSo()
    {
        var (exitCode, output, errors) = await RunAsync(
            GoldenFolder.Of("checkpoints", "vicuna"), "--tensor-parallel", "2", "--weights", "int4");

        Assert.Equal(
            (1, "", "int4 weights have a scale for every 32 inputs; a rank would hold inputs 0 to 87 of the 176 of "
                + "language_model.layers.0.mlp.down_proj.weight, which cuts a group. Take a number of ranks that divides the groups, or weights int8."),
            (exitCode, output, errors.Trim()));
    }

    [Fact]
    public async Task Serve_PortInUse_SaysSo()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var (exitCode, output, errors) = await RunningProgram.RunAsync(
            BuiltProgram.Silo, "serve", "--model", GoldenFolder.Of("checkpoints", "vicuna"), "--http", "0",
            "--grpc", $"{port}", "--data", _folder.Of("data"));

        Assert.Equal(
            (1, "", $"Port {port} at 127.0.0.1 is in use by another program. Choose another with --grpc (0 takes a free one)."),
            (exitCode, output, errors.Trim()));
    }

    [Theory]
    [InlineData("--nonsense")]
    [InlineData("serve", "--http", "eighty")]
    [InlineData("inspect", "--model", "x")]
    [InlineData("inspect", "--cases", "x", "--max-new-tokens", "0")]
    [InlineData("synth", "--preset", "bench")]
    [InlineData("ask")]
    [InlineData("train")]
    [InlineData("train", "--out", "x", "--stage", "half")]
    [InlineData("train", "--out", "x", "--minutes", "0")]
    public async Task Program_WrongUsage_ExitsWithTwo(params string[] arguments)
    {
        var (exitCode, output, errors) = await RunningProgram.RunAsync(BuiltProgram.Silo, arguments);

        Assert.Equal((2, ""), (exitCode, output));
        Assert.DoesNotContain("   at ", errors);
    }

    [Fact]
    public async Task Train_FolderThatCannotBeWritten_SaysSo()
    {
        var file = _folder.Of("file");
        await File.WriteAllTextAsync(file, "");
        var (exitCode, output, errors) = await RunningProgram.RunAsync(BuiltProgram.Silo, "train", "--out", Path.Combine(file, "run"));

        Assert.Equal((1, ""), (exitCode, output));
        Assert.StartsWith($"{Path.Combine(file, "run")} cannot be written (", errors);
        Assert.EndsWith("Name another folder with --out.\n", errors);
    }

    private string Checkpoint(string name) => _folder.Copy(GoldenFolder.Of("checkpoints", name), name);

    private async Task<(int ExitCode, string Output, string Errors)> RunAsync(string model, params string[] more) =>
        await RunningProgram.RunAsync(
        BuiltProgram.Silo, ["serve", "--model", model, "--http", "0", "--grpc", "0", "--data", _folder.Of("data"), .. more]);

    private async Task FailsAsync(string sentence, string model)
    {
        var (exitCode, output, errors) = await RunAsync(model);

        Assert.Equal((1, "", sentence), (exitCode, output, errors.Trim()));
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
