using System.CommandLine;
using LlavaCluster.Silo.Evaluation;
using LlavaCluster.Silo.Hosting;
using LlavaCluster.Training.Suites;
using Spectre.Console;

namespace LlavaCluster.Silo.Commands;

/// <summary>
/// <c>llava-silo eval</c>: many questions, asked of the engines at once. Those of a file give JSON lines, those of a suite a table.
/// </summary>
internal static class EvalCommand
{
    private const string Pictures = "pictures";

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var questions = new Option<string>("--questions")
        {
            Description = "File of questions, one {\"id\", \"images\", \"messages\"} per line.",
        };
        var pictures = new Option<string>("--pictures")
        {
            Description = "Folder of the questions' pictures (default: that of the file).",
        };
        var suite = new Option<string>("--suite") { Description = "Questions that the program makes itself: pictures." };
        var seed = new Option<ulong>("--seed") { Description = "Another seed gives a suite other pictures and questions." };
        var count = NumberFrom1("--count", "Questions of each kind of a suite.", 100);
        var json = new Option<bool>("--json") { Description = "Print a suite's result as JSON instead of a table." };
        var log = new Option<string>("--log")
        {
            Description = "File for a JSON line with question, answer and verdict for every question of a suite.",
        };
        var baseTileOnly = new Option<bool>("--base-tile-only")
        {
            Description = "Show the model the base tile of each picture alone, without AnyRes.",
        };
        var maxNewTokens = NumberFrom1("--max-new-tokens", "Longest answer.", 256);
        var flags = ConfigurationFlags.OfModel();
        var command = new Command("eval", "Asks many questions: of a file, for JSON lines, or of a suite, for a table of accuracy.")
        {
            questions,
            pictures,
            suite,
            seed,
            count,
            json,
            log,
            baseTileOnly,
            maxNewTokens,
        };
        flags.AddTo(command);
        command.Validators.Add(line =>
        {
            if (line.GetValue(questions) is null == line.GetValue(suite) is null)
            {
                line.AddError("eval needs either --questions FILE with --pictures DIR, or --suite pictures.");
            }
            else if (line.GetValue(suite) is { } name && name != Pictures)
            {
                line.AddError($"There is no suite '{name}'; there is {Pictures}.");
            }
        });
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            var settings = flags.Read(parsed, ("Llava:MaxSequences", "32"));
            var model = ServedModel.Open(settings.Model);
            model = parsed.GetValue(baseTileOnly) ? model.WithBaseTileOnly() : model;
            var file = parsed.GetValue(questions);
            var asked = file is null
                ? []
                : QuestionFile.Read(
                    file,
                    parsed.GetValue(pictures) ?? Path.GetDirectoryName(file)!,
                    settings.Images,
                    question => QuestionAsker.Compose(model, question));
            await using var engine = await EvalEngine.StartAsync(model, settings, parsed.GetValue(maxNewTokens), cancel);
            return file is not null
                ? await AnswerLines.PrintAsync(engine, asked, cancel)
                : await RunSuiteAsync(
                    engine,
                    PictureSuite.Draw(parsed.GetValue(seed), parsed.GetValue(count)),
                    parsed.GetValue(json),
                    parsed.GetValue(log),
                    cancel);
        }));
        return command;
    }

    private static async Task<int> RunSuiteAsync(
        EvalEngine engine, PictureSuite suite, bool json, string? log, CancellationToken cancellationToken)
    {
        await using var lines = log is null ? null : new StreamWriter(log);
        var run = new SuiteRun(engine, lines);
        var tally = new SuiteTally();
        await ProgressDisplay.RunAsync(
            $"Asking {AnswerLines.Count(suite.Total)}",
            async progress => tally = await run.RunAsync(suite.Questions(), suite.Total, progress, cancellationToken),
            TimeProvider.System,
            AnswerLines.Count);
        if (json)
        {
            Console.WriteLine(SuiteReport.Json(tally).ToJsonString(EvalJson.Readable));
        }
        else if (Console.IsOutputRedirected)
        {
            Console.WriteLine(SuiteReport.Plain(tally));
        }
        else
        {
            SuiteReport.Show(tally, AnsiConsole.Console);
        }

        return run.Failures == 0 ? CommandLine.Done : CommandLine.Failed;
    }

    private static Option<int> NumberFrom1(string name, string description, int otherwise)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => otherwise };
        option.Validators.Add(given =>
        {
            if (given.GetValueOrDefault<int>() < 1)
            {
                given.AddError($"{name} is {given.GetValueOrDefault<int>()}; it must be 1 or more.");
            }
        });
        return option;
    }
}
