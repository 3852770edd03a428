using LlavaCluster.Training.Recipe.Optimizing;
using Xunit;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace LlavaCluster.Model.Tests.Training.Recipe;

public sealed class AdamWTests
{
    [Fact]
    public void Update_FiveSteps_EqualsTorchAdamW()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        Tensor matrix = randn(5, 3), bias = randn(5);
        var ours = Masters(matrix, bias);
        var adam = new AdamW(ours.Masters);
        var theirMatrix = new Parameter(matrix.clone());
        var theirBias = new Parameter(bias.clone());
        var decaying = new TorchSharp.Modules.AdamW.ParamGroup([theirMatrix], lr: 0.01, beta1: 0.9, beta2: 0.98, weight_decay: 0.05);
        var resting = new TorchSharp.Modules.AdamW.ParamGroup([theirBias], lr: 0.01, beta1: 0.9, beta2: 0.98, weight_decay: 0);
        var theirs = optim.AdamW([decaying, resting], lr: 0.01);

        for (var step = 1; step <= 5; step++)
        {
            // Small enough that nothing is cut.
            Tensor matrixGradient = randn(5, 3) * 0.05, biasGradient = randn(5) * 0.05;
            ours.Matrix.Live.grad = matrixGradient.clone();
            ours.Bias.Live.grad = biasGradient.clone();
            theirMatrix.grad = matrixGradient.clone();
            theirBias.grad = biasGradient.clone();
            ours.Masters.TakeGradients([WeightPart.Language]);
            adam.Update(new Dictionary<WeightPart, double> { [WeightPart.Language] = 0.01 }, step);
            theirs.step();
        }

        AssertClose(theirMatrix, ours.Masters.Of(ours.Masters.Values, ours.Matrix));
        AssertClose(theirBias, ours.Masters.Of(ours.Masters.Values, ours.Bias));
        ours.Masters.Dispose();
    }

    [Fact]
    public void Update_LargeGradient_IsCutToNormOne()
    {
        using var scope = NewDisposeScope();
        var (masters, matrix, _) = Masters(zeros(5, 3), zeros(5));
        matrix.Live.grad = ones(5, 3) * 100;
        masters.TakeGradients([WeightPart.Language]);

        var norm = new AdamW(masters).Update(new Dictionary<WeightPart, double> { [WeightPart.Language] = 0.01 }, 1);

        Assert.Equal(100 * Math.Sqrt(15), norm, 1e-2);
        Assert.Equal(1, masters.Gradients.norm().item<float>(), 1e-4f);
        Assert.Null(matrix.Live.grad);
        masters.Dispose();
    }

    [Theory]
    [InlineData(0, 0.1)]
    [InlineData(9, 1.0)]
    [InlineData(54, 0.51)]
    [InlineData(99, 0.02)]
    public void CosineRate_RisesThenFallsToItsLast(int step, double share)
    {
        var rate = new CosineRate(1, 100, WarmUp: 0.09, Last: 0.02);
        Assert.Equal(share, rate.At(step), 0.01);
    }

    private static (MasterWeights Masters, LearnedWeight Matrix, LearnedWeight Bias) Masters(Tensor matrix, Tensor bias)
    {
        var first = new LearnedWeight(WeightPart.Language, new Parameter(matrix.clone()), [("a.weight", matrix.shape)]);
        var second = new LearnedWeight(WeightPart.Language, new Parameter(bias.clone()), [("a.bias", bias.shape)]);
        var masters = new MasterWeights([second, first]);
        masters.Of(masters.Values, first).copy_(matrix);
        masters.Of(masters.Values, second).copy_(bias);
        return (masters, first, second);
    }

    private static void AssertClose(Tensor expected, Tensor actual) =>
        Assert.True((expected - actual).abs().max().item<float>() < 1e-6f, $"differs by {(expected - actual).abs().max().item<float>()}");
}
