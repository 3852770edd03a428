using System.CommandLine;
using LlavaCluster.Benchmarks.Table;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Model;
using LlavaCluster.Model.Collectives;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Weights;
using LlavaCluster.Tests;

namespace LlavaCluster.Benchmarks.Weights;

/// <summary>
/// What int8 and int4 weights cost and give, beside the same model in full: share of greedy tokens that are the same, each asked after
/// the full model's own tokens; largest difference of a logit; size; speed, beside plain reading of memory in the same minute.
/// Goal: int4 decodes at 2.2 times the full model's speed, on a model that waits for memory (synth --preset bench).
/// </summary>
internal static class WeightsBenchmark
{
    private const double Goal = 2.2;

    /// <summary>Below this size a model is read from caches, and its speed says nothing.</summary>
    private const long Large = 256L << 20;

    private static readonly Option<string[]> Models = new("--model") { Description = "Checkpoint folders; none: the golden ones." };
    private static readonly Option<string> Dtype = new("--dtype") { DefaultValueFactory = _ => "bfloat16" };
    private static readonly Option<int> Answer = new("--answer") { DefaultValueFactory = _ => 40, Description = "Tokens of an answer." };
    private static readonly Option<bool> NoPictures = new("--no-pictures") { Description = "Ask questions without pictures only." };
    private static readonly Option<int> Steps = new("--steps") { DefaultValueFactory = _ => 100, Description = "Timed steps; the fastest counts." };

    /// <summary>The <c>weights</c> command.</summary>
    public static Command Command()
    {
        var command = new Command("weights", "int8 and int4 weights beside those in full: answers, size, speed.")
        {
            Models, Dtype, Answer, NoPictures, Steps,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult arguments)
    {
        TensorDevice.UseThreads(0);
        var device = TensorDevice.Open("cpu", arguments.GetRequiredValue(Dtype));
        var folders = arguments.GetValue(Models) is { Length: > 0 } given
            ? given
            : [.. new[] { "vicuna", "mistral", "yi", "llava15" }.Select(name => GoldenFolder.Of("checkpoints", name))];
        Console.WriteLine($"{Environment.ProcessorCount} processors, {KernelPaths.Best}, {device.Type}; "
            + $"answers of {arguments.GetRequiredValue(Answer)} tokens, speed at 128 tokens of context, fastest of {arguments.GetRequiredValue(Steps)} steps");
        Console.WriteLine(
            "checkpoint        weights   tokens equal   largest logit difference (of largest logit)   matrices MB   tokens/s   × full   of reading   prompt tokens/s");
        var met = true;
        foreach (var folder in folders)
        {
            met &= Compare(arguments, folder, device);
        }

        Console.WriteLine($"goal: int4 decodes ≥ {Goal} × full, where a model is larger than {Large >> 20} MiB: {(met ? "met" : "missed")}");
        return met ? 0 : 1;
    }

    private static bool Compare(ParseResult arguments, string folder, TensorDevice device)
    {
        var config = LlavaConfigReader.Read(folder);
        var prompts = PromptSet.Of(folder, config, device, !arguments.GetValue(NoPictures));
        var count = arguments.GetRequiredValue(Answer);
        var blocks = (prompts.Max(prompt => prompt.Ids.Length) + Math.Max(count, 512)) / ModelRunner.BlockTokens + 1;
        List<(int[] Tokens, float[][] Logits)> reference = [];
        var (fullRate, met) = (0.0, true);
        foreach (var form in Enum.GetValues<WeightForm>())
        {
            using var weights = new CheckpointWeights(folder, config, device.Device, device.Type);
            var options = new ModelRunnerOptions { KvBlocks = blocks, Kernels = KernelChoice.Fast, Weights = form };
            using var runner = new ModelRunner(config, weights, device, new SingleRank(), options);
            var run = new FormRun(runner);
            var (same, all, largest, scale) = (0, 0, 0f, 0f);
            for (var i = 0; i < prompts.Count; i++)
            {
                var answer = run.Answer(prompts[i], count, form == WeightForm.Full ? null : reference[i].Tokens);
                if (form == WeightForm.Full)
                {
                    reference.Add(answer);
                }

                for (var at = 0; at < count; at++, all++)
                {
                    same += answer.Tokens[at] == reference[i].Tokens[at] ? 1 : 0;
                    largest = MathF.Max(largest, answer.Logits[at].Zip(reference[i].Logits[at], (a, b) => MathF.Abs(a - b)).Max());
                    scale = MathF.Max(scale, reference[i].Logits[at].Max(MathF.Abs));
                }
            }

            using var memory = new HostReading(Environment.ProcessorCount);
            var reading = Enumerable.Range(0, 5).Max(_ => memory.Rate());
            var rate = run.DecodeRate(arguments.GetRequiredValue(Steps));
            reading = Math.Max(reading, Enumerable.Range(0, 5).Max(_ => memory.Rate()));
            fullRate = form == WeightForm.Full ? rate : fullRate;
            var bytes = ModelRunner.MatrixBytes(config, device.Type, form);
            met &= form != WeightForm.Int4 || bytes * 3 < Large || rate >= Goal * fullRate;
            Console.WriteLine(
                $"{Path.GetFileName(folder),-17} {form.ToString().ToLowerInvariant(),-9} {same / (double)all,9:P1} {largest,20:F3} ({largest / scale,6:P1}) "
                + $"{bytes / 1e6,28:F1} {rate,10:F1} {rate / fullRate,8:F2} {rate * bytes / reading,12:P0} {run.PromptRate(Math.Min(512, config.Text.MaxPositions)),17:F0}");
        }

        return met;
    }
}
