using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaCluster.Silo.Evaluation;
using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Commands;

/// <summary><c>llava-silo eval</c>: many questions, asked of the engines at once; the answers as JSON lines.</summary>
internal static class EvalCommand
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var questions = new Option<string>("--questions")
        {
            Description = "File of questions, one {\"id\", \"images\", \"messages\"} per line.",
            Required = true,
        };
        var pictures = new Option<string>("--pictures")
        {
            Description = "Folder of the questions' pictures (default: that of the file).",
        };
        var baseTileOnly = new Option<bool>("--base-tile-only")
        {
            Description = "Show the model the base tile of each picture alone, without AnyRes.",
        };
        var maxNewTokens = new Option<int>("--max-new-tokens")
        {
            Description = "Longest answer.",
            DefaultValueFactory = _ => 256,
        };
        var flags = ConfigurationFlags.OfModel();
        var command = new Command("eval", "Asks many questions and prints the answers as JSON lines.")
        {
            questions,
            pictures,
            baseTileOnly,
            maxNewTokens,
        };
        flags.AddTo(command);
        maxNewTokens.Validators.Add(option =>
        {
            if (option.GetValueOrDefault<int>() < 1)
            {
                option.AddError($"--max-new-tokens is {option.GetValueOrDefault<int>()}; it must be 1 or more.");
            }
        });
        command.SetAction(parsed => CommandLine.UntilInterruptedAsync(async cancel =>
        {
            var settings = flags.Read(parsed, ("Llava:MaxSequences", "32"));
            var model = ServedModel.Open(settings.Model);
            model = parsed.GetValue(baseTileOnly) ? model.WithBaseTileOnly() : model;
            var file = parsed.GetRequiredValue(questions);
            var asked = QuestionFile.Read(
                file,
                parsed.GetValue(pictures) ?? Path.GetDirectoryName(file)!,
                settings.Images,
                question => QuestionAsker.Compose(model, question));
            await using var engine = await EvalEngine.StartAsync(model, settings, parsed.GetValue(maxNewTokens), cancel);
            return await PrintAnswersAsync(engine, asked, cancel);
        }));
        return command;
    }

    private static async Task<int> PrintAnswersAsync(
        EvalEngine engine, IReadOnlyList<Question> questions, CancellationToken cancellationToken)
    {
        var failures = 0;

        // On a terminal the lines wait until the bar has gone.
        var held = Console.IsOutputRedirected ? null : new List<string>();
        await ProgressDisplay.RunAsync(
            $"Asking {Count(questions.Count)}",
            async progress =>
            {
                var done = 0;
                await foreach (var result in engine.AskAllAsync(questions, cancellationToken))
                {
                    progress.Report(++done, questions.Count);
                    Print(result);
                }
            },
            TimeProvider.System,
            Count);
        held?.ForEach(Console.WriteLine);
        return failures == 0 ? CommandLine.Done : CommandLine.Failed;

        void Print(QuestionResult result)
        {
            if (result.Error is not null)
            {
                failures++;
                Console.Error.WriteLine($"Question {result.Question.Id}: {result.Error}");
            }

            var line = Line(result).ToJsonString(Readable);
            if (held is null)
            {
                Console.WriteLine(line);
            }
            else
            {
                held.Add(line);
            }
        }
    }

    private static JsonObject Line(QuestionResult result)
    {
        var line = new JsonObject { ["id"] = result.Question.Id.DeepClone() };
        if (result.Error is not null)
        {
            line["error"] = result.Error;
            return line;
        }

        line["answer"] = result.Answers[^1];
        if (result.Answers.Count > 1)
        {
            line["answers"] = new JsonArray([.. result.Answers.Select(a => JsonValue.Create(a))]);
        }

        return line;
    }

    private static string Count(long questions) => questions == 1 ? "1 question" : $"{questions} questions";
}
