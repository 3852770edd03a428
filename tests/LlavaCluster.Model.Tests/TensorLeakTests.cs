using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Language;
using LlavaCluster.Model.Tests.Golden;
using LlavaCluster.Model.Vision;
using Xunit;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests;

/// <summary>Counts every tensor of the process, so it runs when no other test does.</summary>
[Collection(nameof(TensorLeakTests))]
[CollectionDefinition(nameof(TensorLeakTests), DisableParallelization = true)]
public sealed class TensorLeakTests
{
    [Theory]
    [InlineData(KernelChoice.Torch)]
    [InlineData(KernelChoice.Fast)]
    public void Run_ManySteps_LeavesNoTensorBehind(KernelChoice kernels)
    {
        var model = GoldenModel.Of("yi");
        using var runner = model.Runner(kernels: kernels);
        GreedyLoop.Run(runner, model, model.Case("tiny"), chunk: 200);
        var before = CountWithoutGarbage();
        for (var i = 0; i < 3; i++)
        {
            GreedyLoop.Run(runner, model, model.Case("tiny"), chunk: 200);
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void Run_OnRanks_LeavesNoTensorBehind()
    {
        var model = GoldenModel.Of("yi");
        GreedyLoop.RunRanks(model, [model.Case("text-only")], InProcessCollective.Create(7), chunk: 10);
        var expected = 7 * ParametersOfRunner(model);
        var before = CountWithoutGarbage();
        GreedyLoop.RunRanks(model, [model.Case("text-only")], InProcessCollective.Create(7), chunk: 10);
        Assert.Equal(expected, Tensor.TotalCount - before);
    }

    [Fact]
    public void Dispose_RunnerAndEncoder_FreesEveryTensor()
    {
        var model = GoldenModel.Of("vicuna");
        var features = model.Features("p161x184.png");
        model.Runner().Dispose();
        var expected = ParametersOfRunner(model) + ParametersOfTower(model);
        var before = CountWithoutGarbage();
        using (var runner = model.Runner(new SingleRank()))
        {
            runner.LoadImage(features);
            using var weights = model.Weights();
            using var encoder = new VisionEncoder(model.Config, weights, model.Device);
            encoder.Encode([(GoldenModel.HashOf("p161x184.png"), model.Tiles("p161x184.png"))]);
        }

        Assert.Equal(expected, Tensor.TotalCount - before);
    }

    /// <summary>Tensors that earlier tests left to the garbage collector would otherwise go while one of these counts.</summary>
    private static long CountWithoutGarbage()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Tensor.TotalCount;
    }

    /// <summary>
    /// TorchSharp's Parameter takes its tensor's handle over and counts it a second time; the count never comes back, the memory does.
    /// So after the end of a module the count stands higher by its parameters, and by nothing else.
    /// </summary>
    private static long ParametersOfRunner(GoldenModel model)
    {
        using var weights = model.Weights();
        using var language = new LanguageModel(model.Config.Text, weights, model.Device, new SingleRank());
        using var projector = new Projector(model.Config, weights, model.Device);
        return language.parameters().Count() + projector.parameters().Count() + 1;
    }

    private static long ParametersOfTower(GoldenModel model)
    {
        using var weights = model.Weights();
        using var tower = new ClipVisionTower(model.Config.Vision, weights, model.Device);
        return tower.parameters().Count();
    }
}
