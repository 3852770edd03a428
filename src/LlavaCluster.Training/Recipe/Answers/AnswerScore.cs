using LlavaCluster.Training.Questions;
using static TorchSharp.torch;

namespace LlavaCluster.Training.Recipe.Answers;

/// <summary>
/// How many answers are right to the last token when the model reads the right ones before (teacher forcing), by form: quick, and close to
/// what it says by itself, since the first wrong token is wrong either way.
/// </summary>
internal sealed class AnswerScore
{
    private readonly SortedDictionary<string, (int Right, int All)> _counts = new(StringComparer.Ordinal);

    /// <summary>Counts a batch.</summary>
    /// <param name="logits">[told, vocabulary].</param>
    /// <param name="batch">The lessons.</param>
    /// <param name="kind">Goes before the form's name: "grid".</param>
    public void Add(Tensor logits, LessonBatch batch, string kind)
    {
        using var best = logits.argmax(1);
        var said = best.data<long>().ToArray();
        foreach (var (run, first) in batch.Answers)
        {
            var name = kind + (run.Language == DialogueLanguage.Chinese ? "chinese" : run.Form.ToString().ToLowerInvariant());
            var right = said.AsSpan(first, run.Length).SequenceEqual(batch.Targets.AsSpan(first, run.Length));
            var (before, all) = _counts.GetValueOrDefault(name);
            _counts[name] = (before + (right ? 1 : 0), all + 1);
        }
    }

    /// <summary>Shares by kind and form.</summary>
    public SortedDictionary<string, double> Shares() =>
        new(_counts.ToDictionary(count => count.Key, count => (double)count.Value.Right / count.Value.All), StringComparer.Ordinal);
}
