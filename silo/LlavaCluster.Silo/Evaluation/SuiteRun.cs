using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaCluster.Core.Checkpoint;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Prompting;
using LlavaCluster.Training.Suites;

namespace LlavaCluster.Silo.Evaluation;

/// <summary>Asks the questions of a suite and counts the right answers.</summary>
/// <param name="engine">Whom to ask.</param>
/// <param name="log">Gets every question with answer and verdict as a JSON line; null: nobody does.</param>
internal sealed class SuiteRun(EvalEngine engine, TextWriter? log)
{
    /// <summary>Suites are drawn by ourselves, within any limit.</summary>
    private static readonly ImageLimits Limits = new() { MaxBytes = 1 << 30 };

    private readonly ConditionalWeakTable<SuitePicture, QuestionPicture> _pictures = [];

    /// <summary>Questions that failed, not just were answered wrongly.</summary>
    public int Failures { get; private set; }

    /// <summary>Asks all.</summary>
    /// <param name="questions">The questions, drawn as they are taken.</param>
    /// <param name="total">How many they are, for progress.</param>
    /// <param name="progress">Is told how many are answered.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<SuiteTally> RunAsync(
        IEnumerable<SuiteQuestion> questions, int total, ILoadProgress progress, CancellationToken cancellationToken)
    {
        var tally = new SuiteTally();
        var asked = new Queue<SuiteQuestion>();
        var done = 0;
        await foreach (var result in engine.AskAllAsync(Taken(), cancellationToken))
        {
            SuiteQuestion question;
            lock (asked)
            {
                question = asked.Dequeue();
            }

            var answer = result.Answers.Count > 0 ? result.Answers[^1] : "";
            var right = result.Error is null && question.IsRight(answer);
            tally.Add(question.Row, right);
            Note(question, result, answer, right);
            progress.Report(++done, total);
        }

        return tally;

        // Results come in this order.
        IEnumerable<Question> Taken()
        {
            foreach (var question in questions)
            {
                lock (asked)
                {
                    asked.Enqueue(question);
                }

                yield return Converted(question);
            }
        }
    }

    private Question Converted(SuiteQuestion question)
    {
        var turns = question.Turns.Select((text, turn) => (IReadOnlyList<ChatMessage>)[new ChatMessage(
            ChatRole.User,
            [.. Enumerable.Repeat(new ChatPart.Image(), turn == 0 ? question.Pictures.Count : 0), new ChatPart.Text(text)])]);
        return new Question(
            JsonValue.Create(question.Row),
            [.. turns],
            [.. question.Pictures.Select(picture => _pictures.GetValue(picture, p => QuestionPicture.Of(p.File, Limits, () => p.File)))]);
    }

    private void Note(SuiteQuestion question, QuestionResult result, string answer, bool right)
    {
        if (result.Error is not null)
        {
            Failures++;
            Console.Error.WriteLine($"A question of row '{question.Row}' failed: {result.Error}");
        }

        log?.WriteLine(new JsonObject
        {
            ["row"] = question.Row,
            ["turns"] = new JsonArray([.. question.Turns.Select(t => JsonValue.Create(t))]),
            ["expected"] = question.Expected,
            ["answer"] = answer,
            ["right"] = right,
        }.ToJsonString(EvalJson.Readable));
    }
}

/// <summary>How results are written.</summary>
internal static class EvalJson
{
    /// <summary>Letters of all scripts as they are.</summary>
    public static JsonSerializerOptions Readable { get; } = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
