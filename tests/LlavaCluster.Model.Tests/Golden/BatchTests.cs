using LlavaCluster.Core.Scheduling;
using Xunit;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>Sequences that share steps answer as each alone does.</summary>
public sealed class BatchTests
{
    [Theory]
    [InlineData("vicuna", KernelChoice.Torch)]
    [InlineData("mistral", KernelChoice.Torch)]
    [InlineData("yi", KernelChoice.Torch)]
    [InlineData("vicuna", KernelChoice.Fast)]
    [InlineData("mistral", KernelChoice.Fast)]
    [InlineData("yi", KernelChoice.Fast)]
    public void Run_SequencesThatJoinAndLeave_GivesEachTheReferenceTokens(string checkpoint, KernelChoice kernels)
    {
        var model = GoldenModel.Of(checkpoint);
        GoldenCase[] cases = [model.Case("text-only"), model.Case("strip"), model.Case("tiny"), model.Case("grey"), model.Case("tiny")];
        using var runner = model.Runner(blocks: 512, kernels: kernels);
        var free = Enumerable.Range(0, 512).ToArray();
        new Random(5).Shuffle(free);
        var sequences = new List<PlannedSequence>();
        foreach (var golden in cases)
        {
            var needed = GreedyLoop.Blocks(golden, 512).Length;
            sequences.Add(new PlannedSequence(model, golden, free[..needed]));
            free = free[needed..];
            GreedyLoop.Load(runner, model, golden);
        }

        // A new sequence joins every third step: prompts, chunks of prompts and answers stand in one plan.
        for (var step = 0; ; step++)
        {
            var running = sequences.Where((s, i) => step >= 3 * i && s.Answer.Count < cases[i].Tokens.Length).ToArray();
            if (running.Length == 0 && step > 3 * cases.Length)
            {
                break;
            }

            var slices = running.Select((s, i) => s.Next(chunk: 300 + (7 * i))).ToArray();
            var tokens = new Queue<Core.Sampling.SampledToken>(runner.Run(new StepPlan(0, step, slices)).Tokens);
            for (var i = 0; i < slices.Length; i++)
            {
                if (slices[i].Sample is not null)
                {
                    running[i].Take(tokens.Dequeue());
                }
            }

            Assert.Empty(tokens);
        }

        Assert.All(cases.Zip(sequences), pair => Assert.Equal(pair.First.Tokens, pair.Second.Answer.Select(token => token.Id)));
    }
}
