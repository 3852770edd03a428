using System.Diagnostics;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Model;
using LlavaCluster.Model.Weights;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>A prompt: operations per second, attention included, beside torch's product.</summary>
internal sealed class PromptRow(string name, int tokens) : TableRow(name, $"prefill, {tokens:N0} tokens", 0.75, gpuGoal: 0.60)
{
    /// <inheritdoc/>
    public override Task<RowResult> MeasureAsync(TableRun run, CancellationToken cancellationToken)
    {
        using var model = new TimedModel(run, run.BenchCheckpoint(), 1, tokens);
        using var product = Baseline.Product(run);
        var operations = ModelWork.PromptOperations(model.Config.Text, tokens);
        var (rate, peak) = run.InTurn(() => operations / model.Prompt(0, tokens), product.Rate);
        return Task.FromResult(
            new RowResult(rate / 1e12, peak / 1e12, "TFLOP/s", rate / peak, $"{tokens * rate / operations:F0} tokens/s"));
    }
}

/// <summary>The vision tower: operations per second beside torch's product.</summary>
internal sealed class TowerRow() : TableRow("tower", "ViT-L/14-336, 5 tiles", 0.80)
{
    private const int Side = 672;

    /// <inheritdoc/>
    public override Task<RowResult> MeasureAsync(TableRun run, CancellationToken cancellationToken)
    {
        var folder = run.BenchCheckpoint();
        var config = LlavaConfigReader.Read(folder);
        var device = run.Device;
        using var weights = new CheckpointWeights(folder, config, device.Device, device.Type);
        using var tower = new VisionEncoder(config, weights, device);
        using var product = Baseline.Product(run);
        var tiles = NoisePicture.Of(config, Side, Side, seed: 1);
        var operations = ModelWork.TileOperations(config.Vision, tiles.Count);
        var (rate, peak) = run.InTurn(Encode, product.Rate);
        return Task.FromResult(new RowResult(
            rate / 1e12, peak / 1e12, "TFLOP/s", rate / peak, $"{operations / rate * 1000:F0} ms for {tiles.Count} tiles"));

        double Encode()
        {
            var start = Stopwatch.GetTimestamp();
            tower.Encode([(ImageHash.Of([1]), tiles)]);
            return operations / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }
}
