using System.Diagnostics;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model;
using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>What the rows share: the folder of their checkpoints, how thorough to be, and where to say how far they are.</summary>
/// <param name="data">Synthetic checkpoints are made here when missing, and used again.</param>
/// <param name="quick">Small shapes, few rounds.</param>
/// <param name="threads">Threads that compute.</param>
/// <param name="isChild">This process was started to measure one row.</param>
/// <param name="say">Takes a line of progress.</param>
/// <param name="device">Name of the device, cpu or cuda.</param>
/// <param name="kernels">Who computes the language model; null: the device's default.</param>
internal sealed class TableRun(
    string data, bool quick, int threads, bool isChild, Action<string> say, string device = "cpu", KernelChoice? kernels = null)
{
    /// <summary>Where models compute, in bfloat16.</summary>
    public TensorDevice Device { get; } = TensorDevice.Open(device, "bfloat16");

    /// <summary>What configuration calls it.</summary>
    public string DeviceName => device;

    /// <summary>Who computes the language model; null: the device's default.</summary>
    public KernelChoice? Kernels => kernels;


    /// <summary>This process was started to measure one row, undisturbed by what others left behind.</summary>
    public bool IsChild => isChild;

    /// <summary>Small shapes, few rounds.</summary>
    public bool Quick => quick;

    /// <summary>Threads that compute.</summary>
    public int Threads => threads;

    /// <summary>Where the checkpoints are.</summary>
    public string Data => data;

    /// <summary>Rounds in which measured and baseline take turns.</summary>
    public int Rounds => quick ? 3 : 7;

    /// <summary>Takes a line of progress.</summary>
    public void Say(string line) => say(line);

    /// <summary>The folder of the preset <c>bench</c>; on a GPU of the model of 7 billion; with <c>--quick</c> a few layers of <c>bench</c>.</summary>
    public string BenchCheckpoint()
    {
        if (!quick && !Device.IsCpu)
        {
            return LargeCheckpoint();
        }

        var whole = SyntheticPreset.Named("bench");
        return quick ? Checkpoint("bench-quick", whole with { Layers = 3, VisionLayers = 4 }) : Checkpoint("bench", whole);
    }

    /// <summary>The folder of a model of 7 billion parameters, 14 GB.</summary>
    public string LargeCheckpoint() => Checkpoint("vicuna-7b", SyntheticPreset.Named("vicuna-7b"));

    /// <summary>
    /// Lets two rates be measured in turn, since what a machine gives changes with its neighbours, after one turn that does not count.
    /// </summary>
    /// <returns>The best of each.</returns>
    public (double Measured, double Baseline) InTurn(Func<double> measured, Func<double> baseline)
    {
        var (best, other) = (0.0, 0.0);
        for (var round = -1; round < Rounds; round++)
        {
            var (a, b) = (measured(), baseline());
            if (round >= 0)
            {
                (best, other) = (Math.Max(best, a), Math.Max(other, b));
            }
        }

        return (best, other);
    }

    private string Checkpoint(string name, SyntheticPreset preset)
    {
        var folder = Path.Combine(data, name);
        if (!File.Exists(Path.Combine(folder, "config.json")))
        {
            Directory.CreateDirectory(data);
            say($"writing the checkpoint {folder}");
            SyntheticCheckpoint.Write(
                folder,
                new SyntheticOptions { Preset = preset, TokenizerFolder = GoldenFolder.Of("checkpoints", "vicuna") },
                new SpokenProgress(say));
        }

        return folder;
    }

    /// <summary>Says every few seconds how far it is.</summary>
    private sealed class SpokenProgress(Action<string> say) : ILoadProgress
    {
        private long _said = Stopwatch.GetTimestamp();

        public void Report(long bytesDone, long bytesTotal)
        {
            if (Stopwatch.GetElapsedTime(_said).TotalSeconds >= 5)
            {
                _said = Stopwatch.GetTimestamp();
                say($"  {bytesDone / 1e9:F1} of {bytesTotal / 1e9:F1} GB");
            }
        }
    }
}
