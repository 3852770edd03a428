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
        Assert.Contains(0, TensorsAddedBy(() => GreedyLoop.Run(runner, model, model.Case("tiny"), chunk: 200)));
    }

    [Fact]
    public void Run_OnRanks_LeavesNoTensorBehind()
    {
        var model = GoldenModel.Of("yi");
        void Run() => GreedyLoop.RunRanks(model, [model.Case("text-only")], InProcessCollective.Create(7), chunk: 10);
        Run();
        Assert.Contains(7 * ParametersOfRunner(model), TensorsAddedBy(Run));
    }

    [Fact]
    public void Dispose_RunnerAndEncoder_FreesEveryTensor()
    {
        var model = GoldenModel.Of("vicuna");
        var features = model.Features("p161x184.png");
        model.Runner().Dispose();
        var expected = ParametersOfRunner(model) + ParametersOfTower(model);
        Assert.Contains(expected, TensorsAddedBy(() =>
        {
            using var runner = model.Runner(new SingleRank());
            runner.LoadImage(features);
            using var weights = model.Weights();
            using var encoder = new VisionEncoder(model.Config, weights, model.Device);
            encoder.Encode([(GoldenModel.HashOf("p161x184.png"), model.Tiles("p161x184.png"))]);
        }));
    }

    /// <summary>
    /// How many tensors are there more after something was done, some times over, until somebody has seen enough: what earlier tests left
    /// to the collector or to their threads may come or go meanwhile, but a leak is there every time.
    /// </summary>
    private static IEnumerable<long> TensorsAddedBy(Action act)
    {
        for (var i = 0; i < 4; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            var before = Tensor.TotalCount;
            act();
            yield return Tensor.TotalCount - before;
        }
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
