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

    [Theory]
    [InlineData("vicuna")]
    [InlineData("mistral")]
    [InlineData("yi")]
    [InlineData("llava15")]
    [InlineData("vicuna-original")]
    [InlineData("mistral-original")]
    public void Run_EveryCase_GivesTheReferenceTokens(string checkpoint)
    {
        var model = GoldenModel.Of(checkpoint);
        using var runner = model.Runner();
        var largest = 0.0;
        foreach (var golden in model.Cases)
        {
            largest = Math.Max(largest, Check(golden, GreedyLoop.Run(runner, model, golden, chunk: 4096)));
        }

        output.WriteLine($"{checkpoint}: {model.Cases.Count} cases, largest difference of log-probabilities {largest:g3}");
    }

    [Theory]
    [InlineData("vicuna", "two-images", 257)]
    [InlineData("mistral", "image-each-turn", 1001)]
    [InlineData("yi", "two-images", 33)]
    [InlineData("llava15", "two-turns", 1)]
    public void Run_PromptInChunksOfOddSize_GivesTheReferenceTokens(string checkpoint, string name, int chunk)
    {
        var model = GoldenModel.Of(checkpoint);
        using var runner = model.Runner();
        Check(model.Case(name), GreedyLoop.Run(runner, model, model.Case(name), chunk));
    }

    [Theory]
    [InlineData("vicuna", 2)]
    [InlineData("vicuna", 4)]
    [InlineData("mistral", 2)]
    [InlineData("mistral", 4)] // 2 KV heads: each is held twice
    [InlineData("yi", 2)]
    [InlineData("yi", 7)] // rank 3 has query heads of both KV heads; 2112 ids over 7
    public void Run_OnSeveralRanks_GivesTheReferenceTokens(string checkpoint, int ranks)
    {
        var model = GoldenModel.Of(checkpoint);
        GoldenCase[] cases = [model.Case("text-only"), model.Case("strip"), model.Case("tiny")];
        Check(cases, GreedyLoop.RunRanks(model, cases, InProcessCollective.Create(ranks), chunk: 500));
    }

    [Theory]
    [InlineData(7, false)]
    [InlineData(7, true)]
    public void Run_OnRanksThatTalkTcp_GivesTheReferenceTokens(int ranks, bool sharedMemory)
    {
        var model = GoldenModel.Of("yi");
        GoldenCase[] cases = [model.Case("text-only"), model.Case("strip")];
        var ends = TcpReplica.Form(ranks, new TcpCollectiveOptions { SharedMemory = sharedMemory });
        Check(cases, GreedyLoop.RunRanks(model, cases, ends, chunk: 500));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Run_OnTwoProcesses_GivesAllReferenceTokens(bool sharedMemory)
    {
        var model = GoldenModel.Of("yi");
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

    private static double Check(GoldenCase golden, IReadOnlyList<SampledToken> answer)
    {
        Assert.Equal($"{golden.Name}: {string.Join(' ', golden.Tokens)}", $"{golden.Name}: {string.Join(' ', answer.Select(t => t.Id))}");
        var largest = answer.Select((token, i) => Math.Abs(token.LogProb - golden.LogProbs[i])).DefaultIfEmpty(0).Max();
        Assert.InRange(largest, 0, LogProbTolerance);
        return largest;
    }
}
