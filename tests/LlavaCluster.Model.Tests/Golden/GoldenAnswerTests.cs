using LlavaCluster.Core.Sampling;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Tests.Collectives;
using Xunit;
using Xunit.Abstractions;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>Greedy answers of every golden case in float32: the same tokens, log-probabilities within 0.002.</summary>
public sealed class GoldenAnswerTests(ITestOutputHelper output)
{
    private const double LogProbTolerance = 2e-3;

    public static TheoryData<KernelChoice, string> Checkpoints => OnBoth(
        "vicuna", "mistral", "yi", "llava15", "vicuna-original", "mistral-original");

    public static TheoryData<KernelChoice, string, string, int> Chunked => OnBoth(
        ("vicuna", "two-images", 257),
        ("mistral", "image-each-turn", 1001),
        ("yi", "two-images", 33),
        ("llava15", "two-turns", 1));

    public static TheoryData<KernelChoice, string, int> Ranked => OnBoth(
        ("vicuna", 2),
        ("vicuna", 4),
        ("mistral", 2),
        ("mistral", 4), // 2 KV heads: each is held twice
        ("yi", 2),
        ("yi", 7)); // rank 3 has query heads of both KV heads; 2112 ids over 7

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Run_EveryCase_GivesTheReferenceTokens(KernelChoice kernels, string checkpoint)
    {
        var model = GoldenModel.Of(checkpoint);
        using var runner = model.Runner(kernels: kernels);
        var largest = 0.0;
        foreach (var golden in model.Cases)
        {
            largest = Math.Max(largest, Check(golden, GreedyLoop.Run(runner, model, golden, chunk: 4096)));
        }

        output.WriteLine($"{checkpoint}, {kernels}: {model.Cases.Count} cases, largest difference of log-probabilities {largest:g3}");
    }

    [Theory]
    [MemberData(nameof(Chunked))]
    public void Run_PromptInChunksOfOddSize_GivesTheReferenceTokens(KernelChoice kernels, string checkpoint, string name, int chunk)
    {
        var model = GoldenModel.Of(checkpoint);
        using var runner = model.Runner(kernels: kernels);
        Check(model.Case(name), GreedyLoop.Run(runner, model, model.Case(name), chunk));
    }

    [Theory]
    [MemberData(nameof(Ranked))]
    public void Run_OnSeveralRanks_GivesTheReferenceTokens(KernelChoice kernels, string checkpoint, int ranks)
    {
        var model = GoldenModel.Of(checkpoint);
        GoldenCase[] cases = [model.Case("text-only"), model.Case("strip"), model.Case("tiny")];
        Check(cases, GreedyLoop.RunRanks(model, cases, InProcessCollective.Create(ranks), chunk: 500, kernels));
    }

    [Theory]
    [InlineData(7, false)]
    [InlineData(7, true)]
    public void Run_OnRanksThatTalkTcp_GivesTheReferenceTokens(int ranks, bool sharedMemory)
    {
        var model = GoldenModel.OnCpu("yi");
        GoldenCase[] cases = [model.Case("text-only"), model.Case("strip")];
        var ends = TcpReplica.Form(ranks, new TcpCollectiveOptions { SharedMemory = sharedMemory });
        Check(cases, GreedyLoop.RunRanks(model, cases, ends, chunk: 500));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Run_OnTwoProcesses_GivesAllReferenceTokens(bool sharedMemory)
    {
        var model = GoldenModel.OnCpu("yi");
        using var follower = RankProcess.Start(1, 2, RankProgram.Follow, sharedMemory);
        using var link = follower.Lead(out var end);
        Check(model.Cases, GreedyLoop.Lead(model, model.Cases, end, link, chunk: 500));
        Assert.Equal("stopped", follower.Answer());
        Assert.Equal(0, follower.ExitCode());
    }

    private static void Check(IReadOnlyList<GoldenCase> cases, IReadOnlyList<IReadOnlyList<SampledToken>> answers)
    {
        for (var i = 0; i < cases.Count; i++)
        {
            Check(cases[i], answers[i]);
        }
    }

    private static TheoryData<KernelChoice, string> OnBoth(params string[] checkpoints)
    {
        var rows = new TheoryData<KernelChoice, string>();
        Cross(checkpoints, rows.Add);
        return rows;
    }

    private static TheoryData<KernelChoice, string, int> OnBoth(params (string Checkpoint, int Ranks)[] cases)
    {
        var rows = new TheoryData<KernelChoice, string, int>();
        Cross(cases, (kernels, x) => rows.Add(kernels, x.Checkpoint, x.Ranks));
        return rows;
    }

    private static TheoryData<KernelChoice, string, string, int> OnBoth(params (string Checkpoint, string Name, int Chunk)[] cases)
    {
        var rows = new TheoryData<KernelChoice, string, string, int>();
        Cross(cases, (kernels, x) => rows.Add(kernels, x.Checkpoint, x.Name, x.Chunk));
        return rows;
    }

    private static void Cross<T>(T[] cases, Action<KernelChoice, T> add)
    {
        foreach (var kernels in Enum.GetValues<KernelChoice>())
        {
            foreach (var item in cases)
            {
                add(kernels, item);
            }
        }
    }

    private static double Check(GoldenCase golden, IReadOnlyList<SampledToken> answer)
    {
        Assert.Equal($"{golden.Name}: {string.Join(' ', golden.Tokens)}", $"{golden.Name}: {string.Join(' ', answer.Select(t => t.Id))}");
        var largest = answer.Select((token, i) => Math.Abs(token.LogProb - golden.LogProbs[i])).DefaultIfEmpty(0).Max();
        Assert.InRange(largest, 0, LogProbTolerance);
        return largest;
    }
}
