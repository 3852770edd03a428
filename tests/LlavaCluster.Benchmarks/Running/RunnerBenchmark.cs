using System.CommandLine;
using System.Diagnostics;
using LlavaCluster.Benchmarks.Table;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;

namespace LlavaCluster.Benchmarks.Running;

/// <summary>
/// Speed of the model alone, without engine and edge: vision tower, prompt, answer. The baseline beside the answer is reading the
/// weights once per token, at the speed of a plain copy on this machine.
/// </summary>
internal static class RunnerBenchmark
{
    private static readonly Option<string> Preset = new("--preset") { DefaultValueFactory = _ => "bench", Description = "shapes of the model" };
    private static readonly Option<string> Dtype = new("--dtype") { DefaultValueFactory = _ => "bfloat16" };
    private static readonly Option<string> Device = new("--device") { DefaultValueFactory = _ => "cpu" };
    private static readonly Option<KernelChoice?> Kernels = new("--kernels") { Description = "who computes the language model; fast on a CPU" };
    private static readonly Option<int> Chunk = new("--chunk") { DefaultValueFactory = _ => 512, Description = "prompt tokens of a step" };
    private static readonly Option<int> Prompt = new("--prompt") { DefaultValueFactory = _ => 2900, Description = "tokens of the prompt" };
    private static readonly Option<int> Answer = new("--answer") { DefaultValueFactory = _ => 32, Description = "tokens of the answer" };
    private static readonly Option<int> Batch = new("--batch") { DefaultValueFactory = _ => 1, Description = "sequences that answer at once" };
    private static readonly Option<string> Folder = new("--folder")
    {
        DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "llava-bench"),
        Description = "where the synthetic checkpoint is kept",
    };

    public static Command Command()
    {
        var command = new Command("runner", "Vision tower, prompt and answer of one model, alone.")
        {
            Preset, Dtype, Device, Kernels, Chunk, Prompt, Answer, Batch, Folder,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult arguments)
    {
        var preset = arguments.GetRequiredValue(Preset);
        var device = TensorDevice.Open(arguments.GetRequiredValue(Device), arguments.GetRequiredValue(Dtype));
        TensorDevice.UseThreads(0);
        var folder = Path.Combine(arguments.GetRequiredValue(Folder), preset);
        if (!File.Exists(Path.Combine(folder, "config.json")))
        {
            SyntheticCheckpoint.Write(folder, new SyntheticOptions
            {
                Preset = SyntheticPreset.Named(preset),
                TokenizerFolder = GoldenFolder.Of("checkpoints", "vicuna"),
            });
        }

        var config = LlavaConfigReader.Read(folder);
        int prompt = arguments.GetRequiredValue(Prompt), answer = arguments.GetRequiredValue(Answer), batch = arguments.GetRequiredValue(Batch);
        var blocks = batch * ((prompt + answer + 15) / 16);
        Console.WriteLine($"{preset}, {device.Type} on {device.Device}, {Environment.ProcessorCount} processors, "
            + $"KV {blocks * ModelRunner.KvBlockBytes(config, device.Type) >> 20} MiB");

        using var weights = new CheckpointWeights(folder, config, device.Device, device.Type);
        var watch = Stopwatch.StartNew();
        using (var encoder = new VisionEncoder(config, weights, device))
        {
            Tell("load vision tower", watch, 1, "");
            var tiles = NoisePicture.Of(config, 640, 480, seed: 1);
            encoder.Encode([(default, tiles)]);
            watch.Restart();
            encoder.Encode([(default, tiles)]);
            Tell("encode", watch, tiles.Count, "tiles");
        }

        watch.Restart();
        var options = new ModelRunnerOptions { KvBlocks = blocks, Kernels = arguments.GetValue(Kernels) };
        using var runner = new ModelRunner(config, weights, device, new SingleRank(), options);
        Tell("load language model", watch, 1, "");
        var sequences = Enumerable.Range(0, batch).Select(i => new Sequence(i, prompt, answer, blocks / batch)).ToArray();
        watch.Restart();
        while (sequences.Any(sequence => sequence.Prompting))
        {
            Step(runner, [.. sequences.Where(sequence => sequence.Prompting).Take(1)], arguments.GetRequiredValue(Chunk));
        }

        Tell("prompt", watch, batch * prompt, "tokens");
        Step(runner, sequences, 1);
        watch.Restart();
        for (var i = 0; i < answer - 2; i++)
        {
            Step(runner, sequences, 1);
        }

        Tell("answer", watch, batch * (answer - 2), "tokens");
        Console.WriteLine($"peak memory {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB");
        return 0;
    }

    private static void Step(ModelRunner runner, IReadOnlyList<Sequence> sequences, int chunk)
    {
        var output = runner.Run(new StepPlan(0, 0, [.. sequences.Select(sequence => sequence.Next(chunk))]));
        for (var i = 0; i < output.Tokens.Count; i++)
        {
            sequences[i].Take(output.Tokens[i]);
        }
    }

    private static void Tell(string what, Stopwatch watch, int count, string unit)
    {
        var seconds = watch.Elapsed.TotalSeconds;
        Console.WriteLine($"{what,-20} {seconds,8:f2} s   {(unit.Length == 0 ? "" : $"{count / seconds:f2} {unit}/s")}");
    }

    private sealed class Sequence(int number, int prompt, int answer, int blockCount)
    {
        private readonly int[] _blocks = [.. Enumerable.Range(number * blockCount, blockCount)];
        private readonly List<int> _ids = [.. Enumerable.Range(0, prompt).Select(i => 3 + (i * 37 % 1000))];
        private int _done;

        public bool Prompting => _done < prompt;

        public SequenceSlice Next(int chunk)
        {
            var count = Math.Min(chunk, _ids.Count - _done);
            var ids = _ids.GetRange(_done, count).ToArray();
            _done += count;
            var sample = _done < _ids.Count
                ? null
                : new SampleRequest(SamplingOptions.Greedy, 0, 0, Math.Min(answer, _ids.Count - prompt), default, default);
            return new SequenceSlice(number, _done - count, ids, [], _blocks[..((_done + 15) / 16)], sample);
        }

        public void Take(SampledToken token) => _ids.Add(token.Id);
    }
}
