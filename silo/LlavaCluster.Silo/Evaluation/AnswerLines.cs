using System.Text.Json.Nodes;
using LlavaCluster.Silo.Commands;
using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Evaluation;

/// <summary>Asks the questions of a file and prints one JSON line for each, in their order.</summary>
internal static class AnswerLines
{
    /// <summary>Asks and prints.</summary>
    /// <returns>The exit code: failed when a question did.</returns>
    public static async Task<int> PrintAsync(EvalEngine engine, IReadOnlyList<Question> questions, CancellationToken cancellationToken)
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

            var line = Line(result).ToJsonString(EvalJson.Readable);
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

    /// <summary>A number of questions, for a sentence.</summary>
    public static string Count(long questions) => questions == 1 ? "1 question" : FormattableString.Invariant($"{questions:N0} questions");

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
}
