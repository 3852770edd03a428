using System.CommandLine;
using System.Globalization;
using LlavaCluster.Silo.Hosting;
using LlavaCluster.Training.Recipe;

namespace LlavaCluster.Silo.Commands;

/// <summary><c>llava-silo train</c>: makes the small model, or goes on making it.</summary>
internal static class TrainCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var stage = new Option<string>("--stage")
        {
            Description = "all, tower, connector or instruct.",
            DefaultValueFactory = _ => "all",
        };
        stage.AcceptOnlyFromAmong("all", "tower", "connector", "instruct");
        var output = new Option<string>("--out")
        {
            Description = "Folder of the run; a run that stands there goes on.",
            Required = true,
        };
        var minutes = new Option<double?>("--minutes")
        {
            Description = "Stop after so many minutes; the next call goes on from there.",
        };
        minutes.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double?>() is { } given && !(given > 0))
            {
                result.AddError(FormattableString.Invariant($"--minutes {given}: must be above 0."));
            }
        });
        var seed = new Option<ulong?>("--seed") { Description = "Decides weights, pictures and questions; 1 when left out." };
        var command = new Command("train", "Trains the small model from pictures that it draws.") { stage, output, minutes, seed };
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async interrupted =>
        {
            var options = new TrainOptions
            {
                Stage = Enum.Parse<TrainStage>(parsed.GetRequiredValue(stage), ignoreCase: true),
                Folder = parsed.GetRequiredValue(output),
                Limit = parsed.GetValue(minutes) is { } limit ? TimeSpan.FromMinutes(limit) : null,
                Seed = parsed.GetValue(seed),
            };
            var isDone = false;
            await TrainDisplay.RunAsync(
                async progress => isDone = await Trainer.RunAsync(options, progress, TimeProvider.System, interrupted), TimeProvider.System);
            Console.WriteLine(isDone
                ? string.Create(CultureInfo.InvariantCulture, $"{options.Stage} is done; the model is in {Path.Combine(options.Folder, "checkpoint")}")
                : $"Stopped; the same command goes on. The model so far is in {Path.Combine(options.Folder, "checkpoint")}");
            return interrupted.IsCancellationRequested ? CommandLine.Interrupted : CommandLine.Done;
        }));
        return command;
    }
}
