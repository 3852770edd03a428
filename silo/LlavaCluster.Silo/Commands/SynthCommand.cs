using System.CommandLine;
using LlavaCluster.Model.Weights;
using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Commands;

/// <summary>
/// <c>llava-silo synth</c>: a checkpoint with random weights in published form, for measuring and for tests.
/// </summary>
internal static class SynthCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var preset = new Option<string>("--preset")
        {
            Description = $"Dimensions: {string.Join(", ", SyntheticPreset.All.Keys)}.",
            Required = true,
        };
        var output = new Option<string>("--out") { Description = "A new or empty folder.", Required = true };
        var dtype = new Option<string>("--dtype")
        {
            Description = "float16, bfloat16 or float32.",
            DefaultValueFactory = _ => "bfloat16",
        };
        var seed = new Option<ulong>("--seed") { Description = "The same seed gives the same bytes." };
        var tokenizer = new Option<string?>("--tokenizer")
        {
            Description = "Folder whose tokenizer the checkpoint gets, instead of a shipped one.",
        };
        var command = new Command("synth", "Writes a checkpoint with random weights.")
        {
            preset,
            output,
            dtype,
            seed,
            tokenizer,
        };
        var dimensions = new DimensionFlags();
        dimensions.AddTo(command);
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            var name = parsed.GetRequiredValue(preset);
            var folder = parsed.GetRequiredValue(output);
            var options = new SyntheticOptions
            {
                Preset = dimensions.Apply(parsed, SyntheticPreset.Named(name)),
                TokenizerFolder = parsed.GetValue(tokenizer) ?? ShippedTokenizer(name),
                DType = parsed.GetValue(dtype)!,
                Seed = parsed.GetValue(seed),
            };
            long bytes = 0;
            await ProgressDisplay.RunAsync(
                $"Writing {folder}",
                progress => Task.Run(() => bytes = SyntheticCheckpoint.Write(folder, options, progress, cancel), cancel),
                TimeProvider.System);
            Console.WriteLine(FormattableString.Invariant($"{folder}: {bytes / 1e9:N2} GB of weights"));
            return CommandLine.Done;
        }));
        return command;
    }

    /// <summary>The tokenizer of the preset's family.</summary>
    private static string ShippedTokenizer(string preset)
    {
        var family = preset.Split('-')[0];
        return Path.Combine(ServedModel.ShippedModels, "tokenizers", family is "mistral" or "yi" ? family : "vicuna");
    }
}
