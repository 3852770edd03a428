using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model.Collectives;
using Xunit;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>
/// Weights in codes are near those in full: given the reference's own tokens so far, the same next token. The golden models are random
/// and small, so their logits lie closer together than a trained model's.
/// </summary>
public sealed class CodedWeightsTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("vicuna", WeightForm.Int8, KernelChoice.Fast, 0.85)]
    [InlineData("vicuna", WeightForm.Int8, KernelChoice.Torch, 0.85)]
    [InlineData("yi", WeightForm.Int8, KernelChoice.Fast, 0.85)]
    [InlineData("yi", WeightForm.Int8, KernelChoice.Torch, 0.85)]
    [InlineData("vicuna", WeightForm.Int4, KernelChoice.Fast, 0.2)]
    [InlineData("vicuna", WeightForm.Int4, KernelChoice.Torch, 0.2)]
    [InlineData("yi", WeightForm.Int4, KernelChoice.Fast, 0.2)]
    [InlineData("yi", WeightForm.Int4, KernelChoice.Torch, 0.2)]
    public void Run_WithCodes_ChoosesReferenceTokens(string checkpoint, WeightForm form, KernelChoice kernels, double share)
    {
        var model = GoldenModel.Of(checkpoint);
        using var runner = model.Runner(kernels: kernels, form: form);
        var next = NextTokens.Of(runner, model);
        output.WriteLine($"{checkpoint} {form} {kernels}: {next}");
        Assert.InRange(next.Share, share, 1);
    }

    /// <summary>Ranks hold the codes of the whole tensors: the same answer, to the rounding of sums over ranks.</summary>
    [Theory]
    [InlineData("yi", 7, WeightForm.Int8, KernelChoice.Fast)]
    [InlineData("vicuna", 2, WeightForm.Int8, KernelChoice.Torch)]
    [InlineData("mistral", 2, WeightForm.Int4, KernelChoice.Fast)]
    [InlineData("mistral", 2, WeightForm.Int4, KernelChoice.Torch)]
    public void Run_OnSeveralRanks_GivesTheTokensOfOne(string checkpoint, int ranks, WeightForm form, KernelChoice kernels)
    {
        var model = GoldenModel.Of(checkpoint);
        GoldenCase[] cases = [model.Case("text-only"), model.Case("strip")];
        using var alone = model.Runner(kernels: kernels, form: form);
        var expected = cases.Select(golden => GreedyLoop.Run(alone, model, golden, chunk: 500)).ToArray();
        var together = GreedyLoop.RunRanks(model, cases, InProcessCollective.Create(ranks), chunk: 500, kernels, form);
        for (var i = 0; i < cases.Length; i++)
        {
            Assert.Equal(expected[i].Select(t => t.Id), together[i].Select(t => t.Id));
            Assert.All(expected[i].Zip(together[i]), pair => Assert.InRange(Math.Abs(pair.First.LogProb - pair.Second.LogProb), 0, 2e-3));
        }
    }

    [Fact]
    public void Runner_RanksThatCutAGroup_AreRefusedWithNumbers()
    {
        var model = GoldenModel.OnCpu("vicuna", ScalarType.BFloat16);
        var end = InProcessCollective.Create(2)[1];
        var error = Assert.Throws<BadCheckpointException>(() => model.Runner(end, kernels: KernelChoice.Fast, form: WeightForm.Int4));
        Assert.Equal(
            "int4 weights have a scale for every 32 inputs; a rank would hold inputs 88 to 175 of the 176 of "
            + "language_model.layers.0.mlp.down_proj.weight, which cuts a group. Take a number of ranks that divides the groups, or weights int8.",
            error.Message);
    }
}
