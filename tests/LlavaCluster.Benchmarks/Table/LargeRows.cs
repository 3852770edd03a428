using System.Diagnostics;
using System.Runtime.InteropServices;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Weights;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>Loading all weights of a checkpoint of 14 GB, beside <c>cat</c> of its files to /dev/null.</summary>
/// <param name="name">Names it for <c>--only</c>.</param>
/// <param name="cold">The page cache holds nothing of the files; else what a reading of them leaves there.</param>
internal sealed partial class LoadRow(string name, bool cold)
    : TableRow(name, $"load of a 14 GB checkpoint, {(cold ? "cold" : "warm")}, beside cat", 0.9)
{
    private const int DontNeed = 4;

    /// <inheritdoc/>
    public override bool Heavy => true;

    /// <inheritdoc/>
    public override async Task<RowResult> MeasureAsync(TableRun run, CancellationToken cancellationToken)
    {
        var folder = run.LargeCheckpoint();
        var files = Directory.GetFiles(folder, "*.safetensors").Order().ToArray();
        var bytes = files.Sum(file => new FileInfo(file).Length);
        var (load, cat) = (double.MaxValue, double.MaxValue);
        for (var round = 0; round < 2; round++)
        {
            await PrepareAsync(files, cancellationToken);
            cat = Math.Min(cat, await CatAsync(files, cancellationToken));
            run.Say($"  cat: {cat:F1} s");
            await PrepareAsync(files, cancellationToken);
            load = Math.Min(load, Load(folder, run.Device));
            run.Say($"  load: {load:F1} s");
        }

        return new RowResult(bytes / load / 1e9, bytes / cat / 1e9, "GB/s", cat / load, $"{load:F1} s, cat {cat:F1} s, best of 2");
    }

    private async Task PrepareAsync(IReadOnlyList<string> files, CancellationToken cancellationToken)
    {
        if (!cold)
        {
            await CatAsync(files, cancellationToken);
            return;
        }

        foreach (var file in files)
        {
            using var handle = File.OpenHandle(file);
            _ = posix_fadvise((int)handle.DangerousGetHandle(), 0, 0, DontNeed);
        }
    }

    private static async Task<double> CatAsync(IReadOnlyList<string> files, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var info = new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", "exec cat \"$@\" > /dev/null", "cat" } };
        foreach (var file in files)
        {
            info.ArgumentList.Add(file);
        }

        using var process = Process.Start(info)!;
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0
            ? Stopwatch.GetElapsedTime(start).TotalSeconds
            : throw new InvalidOperationException($"cat of {files.Count} files failed with exit code {process.ExitCode}.");
    }

    private static double Load(string folder, TensorDevice device)
    {
        var start = Stopwatch.GetTimestamp();
        var config = LlavaConfigReader.Read(folder);
        using var weights = new CheckpointWeights(folder, config, device.Device, device.Type);
        weights.Check(WeightRoles.All);
        using var tower = new VisionEncoder(config, weights, device);
        using var runner = new ModelRunner(config, weights, device, new SingleRank(), new ModelRunnerOptions { KvBlocks = 1 });
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    [LibraryImport("libc")]
    private static partial int posix_fadvise(int file, long offset, long length, int advice);
}

/// <summary>A model of 7 billion parameters decodes, beside plain reading; or the memory that it takes beside its weights and KV blocks.</summary>
/// <param name="name">Names it for <c>--only</c>.</param>
/// <param name="memory">Peak memory is measured; else the speed.</param>
internal sealed class LargeModelRow(string name, bool memory) : TableRow(
    name, memory ? "7B bfloat16, peak memory beside weights + KV" : "7B bfloat16, decode, 128 tokens of context", memory ? 1.15 : 0.85)
{
    private const int Context = 128, Positions = 2048;

    /// <inheritdoc/>
    public override bool AtMost => memory;

    /// <inheritdoc/>
    public override bool Heavy => true;

    /// <inheritdoc/>
    public override bool CpuOnly => true;

    /// <inheritdoc/>
    public override async Task<RowResult> MeasureAsync(TableRun run, CancellationToken cancellationToken)
    {
        var folder = run.LargeCheckpoint();
        if (memory)
        {
            // The peak of a process is that of all it ever did: a fresh one says what the model takes.
            return run.IsChild ? MeasurePeak(run, folder) : await ChildProcess.MeasureAsync(Name, run, cancellationToken);
        }

        using var model = new TimedModel(run, folder, 1, Positions);
        using var reading = Baseline.Reading(run);
        model.Prompt(0, Context);
        var bytes = DecodeRow.Bytes(model, Context);
        var (rate, read) = run.InTurn(() => bytes / model.Decode(1, Context, 3), reading.Rate);
        return new RowResult(rate / 1e9, read / 1e9, "GB/s", rate / read, $"{rate / bytes:F2} tokens/s");
    }

    private static RowResult MeasurePeak(TableRun run, string folder)
    {
        var device = run.Device;
        var config = LlavaConfigReader.Read(folder);
        using var weights = new CheckpointWeights(folder, config, device.Device, device.Type);
        weights.Check(WeightRoles.All);
        using var tower = new VisionEncoder(config, weights, device);
        using var model = new TimedModel(run, folder, 1, Positions);
        tower.Encode([(NoisePicture.HashOf(1), NoisePicture.Of(config, 672, 672, seed: 1))]);
        model.Prompt(0, Positions - 1);
        model.Decode(1, Positions - 1, 3);
        var (peak, floor) = (ResidentMemory.Peak(), weights.BytesToRead + model.KvBytes);
        return new RowResult(
            peak / 1e9, floor / 1e9, "GB", (double)peak / floor, $"both models, 5 tiles, {Positions:N0} tokens of KV, prompt and answer");
    }
}
