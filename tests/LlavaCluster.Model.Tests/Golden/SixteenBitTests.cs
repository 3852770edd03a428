using LlavaCluster.Core.Scheduling;
using Xunit;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>
/// 16-bit serving is near float32: given the reference's own tokens so far, it would choose the same next token most of the time. The
/// golden models are random, so their logits lie closer together than a trained model's.
/// </summary>
public sealed class SixteenBitTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("vicuna", ScalarType.BFloat16, KernelChoice.Torch, 0.85)]
    [InlineData("vicuna", ScalarType.BFloat16, KernelChoice.Fast, 0.85)]
    [InlineData("mistral", ScalarType.BFloat16, KernelChoice.Torch, 0.85)]
    [InlineData("mistral", ScalarType.BFloat16, KernelChoice.Fast, 0.85)]
    [InlineData("yi", ScalarType.BFloat16, KernelChoice.Torch, 0.85)]
    [InlineData("yi", ScalarType.BFloat16, KernelChoice.Fast, 0.85)]
    [InlineData("vicuna", ScalarType.Float16, KernelChoice.Torch, 0.97)]
    [InlineData("vicuna", ScalarType.Float16, KernelChoice.Fast, 0.97)]
    [InlineData("mistral", ScalarType.Float16, KernelChoice.Torch, 0.97)]
    [InlineData("mistral", ScalarType.Float16, KernelChoice.Fast, 0.97)]
    [InlineData("yi", ScalarType.Float16, KernelChoice.Torch, 0.97)]
    [InlineData("yi", ScalarType.Float16, KernelChoice.Fast, 0.97)]
    public void Run_In16Bit_MostlyChoosesTheReferenceTokens(string checkpoint, ScalarType type, KernelChoice kernels, double share)
    {
        var model = GoldenModel.Of(checkpoint, type);
        using var runner = model.Runner(kernels: kernels);
        int same = 0, all = 0;
        foreach (var name in new[] { "text-only", "strip", "tiny", "system" })
        {
            var golden = model.Case(name);
            var sequence = new PlannedSequence(model, golden, GreedyLoop.Blocks(golden, runner.Capacity.BlockCount));
            GreedyLoop.Load(runner, model, golden);
            foreach (var expected in golden.Tokens)
            {
                var token = runner.Run(new StepPlan(0, all++, [sequence.Next(4096)])).Tokens.Single();
                same += token.Id == expected ? 1 : 0;
                sequence.Take(token with { Id = expected });
            }
        }

        output.WriteLine($"{checkpoint} {type} {kernels}: {same} of {all} tokens as the reference's");
        Assert.InRange(same / (double)all, share, 1);
    }
}
