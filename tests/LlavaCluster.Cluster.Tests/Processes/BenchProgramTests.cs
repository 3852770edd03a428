using System.Text.Json;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>The load generator against a real silo.</summary>
[Collection(SharedSiloTests.Name)]
public sealed class BenchProgramTests(SharedSilo silo)
{
    private string Server => silo.Process.Server.ToString();

    [Theory]
    [InlineData("--concurrency", "2")]
    [InlineData("--rate", "20")]
    public async Task Bench_SmallLoad_CountsEveryTurn(string how, string much)
    {
        var (exitCode, output, errors) = await RunningProgram.RunAsync(
            BuiltProgram.Client, "bench", "--server", Server, "--sessions", "4", how, much, "--turns", "2", "--max-tokens", "5",
            "--picture-size", "60x40", "--pictures", "2", "--warm", "--seed", much, "--json");

        Assert.True(exitCode == 0, errors);
        var report = JsonDocument.Parse(output).RootElement;
        Assert.Equal((8, 0), (report.GetProperty("turns").GetInt32(), report.GetProperty("failed").GetInt32()));
        Assert.InRange(report.GetProperty("tokens").GetInt32(), 8, 40);
        Assert.Equal(8, report.GetProperty("ttft").GetProperty("count").GetInt32());
        Assert.InRange(report.GetProperty("cached_share_later").GetDouble(), 0.2, 1);
        Assert.InRange(report.GetProperty("ttft").GetProperty("p50").GetDouble(), 1e-4, 100);
    }

    [Fact]
    public async Task Bench_Interrupted_TellsWhatThereIs()
    {
        await using var bench = RunningProgram.Start(
            BuiltProgram.Client, "bench", "--server", Server, "--sessions", "100000", "--concurrency", "1", "--max-tokens", "2", "--image-share", "0");
        await bench.ErrorsAsync(" tokens/s, first token p50 ");
        bench.Signal(RunningProgram.Interrupt);

        var (exitCode, output, _) = await bench.ExitAsync();

        Assert.Equal(130, exitCode);
        Assert.Matches(@"^turns +[1-9]\d* answered, 0 failed, in ", output);
        Assert.Matches(@"time to first token +0\.\d{4} ", output);
    }

    [Theory]
    [InlineData("--rate", "0", 1, "--rate 0 is no rate; it must be above 0.")]
    [InlineData("--sessions", "0", 2, "--sessions is 0; it must be at least 1.")]
    [InlineData("--picture-size", "big", 1, "--picture-size 'big' is no size; it looks like 640x480, sides of 1 to 8192.")]
    public async Task Bench_ImpossibleLoad_SaysSo(string flag, string value, int expected, string message)
    {
        var (exitCode, _, errors) = await RunningProgram.RunAsync(BuiltProgram.Client, "bench", "--server", Server, flag, value);

        Assert.Equal(expected, exitCode);
        Assert.Contains(message, errors, StringComparison.Ordinal);
    }
}
