using System.Runtime.InteropServices;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Vision;
using LlavaCluster.Tests;
using Xunit;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>Every tensor of the golden files in float32: features within 2e-4, logits within 1e-3.</summary>
public sealed class GoldenTensorTests(ITestOutputHelper output)
{
    private const double FeatureTolerance = 2e-4, LogitTolerance = 1e-3;
    private const int PatchStep = 48;

    public static TheoryData<string> Checkpoints => ["vicuna", "mistral", "yi", "llava15"];

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Vision_DeepCases_EqualsReference(string checkpoint)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        var model = GoldenModel.Of(checkpoint);
        var golden = new GoldenTensors("cases", checkpoint + ".safetensors");
        using var weights = model.Weights();
        using var tower = new ClipVisionTower(model.Config.Vision, weights, model.Device);
        using var fast = FastVisionTower.Of(tower, model.Config.Vision, model.Device);
        using var projector = new Projector(model.Config, weights, model.Device);
        foreach (var name in new[] { "landscape", "two-images" })
        {
            var pictures = model.Case(name).Images.Select(image => model.Tiles(image.File)).ToArray();
            var most = pictures.Max(p => p.Count);
            var pixels = cat([.. pictures.SelectMany(p => Padded(p, most))]).to(model.Device.Device);
            var embedded = tower.Embed(pixels);
            var features = tower.forward(pixels);
            var projected = projector.forward(features);

            Compare(golden, $"{name}/clip_embedded", embedded[0].narrow(0, 0, 8), FeatureTolerance);
            Compare(golden, $"{name}/clip_features", EveryPatch(features), FeatureTolerance);
            Compare(golden, $"{name}/projected", EveryPatch(projected), FeatureTolerance);
            if (fast is not null)
            {
                Compare(golden, $"{name}/clip_features", EveryPatch(fast.Forward(pixels)), FeatureTolerance);
            }
        }

        // The reference fills up with empty tiles until all images of a batch have as many.
        static Tensor[] Padded(ImageTiles p, int most) =>
            [tensor(p.Normalised(), [p.Count, 3, p.Side, p.Side]), zeros(most - p.Count, 3, p.Side, p.Side)];

        static Tensor EveryPatch(Tensor x) => x.index_select(1, arange(0, x.shape[1], PatchStep, device: x.device));
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Language_DeepCases_EqualsReference(string checkpoint)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        var model = GoldenModel.Of(checkpoint);
        var golden = new GoldenTensors("cases", checkpoint + ".safetensors");
        using var runner = model.Runner();
        using var cache = new PagedKvCache(model.Config.Text, new(model.Config.Text, 0, 1), model.Device, 256);
        foreach (var name in new[] { "landscape", "two-images" })
        {
            var @case = model.Case(name);
            GreedyLoop.Load(runner, model, @case);
            SequenceSlice[] slices = [new PlannedSequence(model, @case, GreedyLoop.Blocks(@case, 256)).Next(4096)];
            var step = StepInput.Of(slices, model.Device.Device, null);
            var positions = tensor(golden.Longs($"{name}/positions"), device: model.Device.Device);

            var embedded = runner.Embed(slices, step);
            var first = runner.Network.forward(embedded, step, cache, layerCount: 1);
            var last = runner.Network.forward(embedded, step, cache);
            var logits = runner.Network.Logits(last.index_select(0, positions.narrow(0, positions.shape[0] - 4, 4)));

            Compare(golden, $"{name}/embeddings", embedded.index_select(0, positions), FeatureTolerance);
            Compare(golden, $"{name}/after_first_layer", first.index_select(0, positions), FeatureTolerance);
            Compare(golden, $"{name}/logits", logits, LogitTolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Language_EveryCase_HasTheReferencesFirstLogits(string checkpoint)
    {
        using var mode = inference_mode();
        var model = GoldenModel.Of(checkpoint);
        var golden = new GoldenTensors("cases", checkpoint + ".safetensors");
        using var runner = model.Runner();
        foreach (var @case in model.Cases)
        {
            using var scope = NewDisposeScope();
            GreedyLoop.Load(runner, model, @case);
            SequenceSlice[] slices = [new PlannedSequence(model, @case, GreedyLoop.Blocks(@case, 256)).Next(4096)];
            var step = StepInput.Of(slices, model.Device.Device, null);
            var last = runner.Network.forward(runner.Embed(slices, step), step, new NoKvCache());
            Compare(golden, $"{@case.Name}/first_logits", runner.Network.Logits(last.narrow(0, step.Tokens - 1, 1))[0], LogitTolerance);
        }
    }

    private void Compare(GoldenTensors golden, string name, Tensor ours, double tolerance)
    {
        Assert.Equal(golden.Shape(name), ours.shape);
        var numbers = MemoryMarshal.Cast<byte, float>(ours.cpu().contiguous().bytes);
        var expected = golden.Floats(name);
        var largest = 0.0;
        for (var i = 0; i < expected.Length; i++)
        {
            var difference = Math.Abs(numbers[i] - expected[i]);
            largest = difference > largest || float.IsNaN(difference) ? difference : largest;
        }

        output.WriteLine($"{name}: largest difference {largest:g3}");
        Assert.InRange(largest, 0, tolerance);
    }
}
