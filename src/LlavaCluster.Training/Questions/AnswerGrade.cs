using System.Text;
using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>
/// Whether an answer is right: the expected words and no others. Case, spaces and the stop at the end do not count.
/// </summary>
internal static class AnswerGrade
{
    /// <summary>Whether <paramref name="answer"/> is right.</summary>
    /// <param name="expected">The question and the answer that was expected.</param>
    /// <param name="pictures">The scenes that it was asked about.</param>
    /// <param name="answer">What the model said.</param>
    public static bool IsRight(Exchange expected, IReadOnlyList<Scene> pictures, string answer)
    {
        if (expected.Form == QuestionForm.Description)
        {
            return NamedThings.In(answer) is { } named && named.Matches(pictures[0]);
        }

        // One of two pictures may be asked to be described as well.
        return NamedThings.In(expected.Answer) is { } wanted && (wanted.Objects.Count > 0 || wanted.Text is not null)
            ? pictures.Any(picture => wanted.Matches(picture) && NamedThings.In(answer) is { } told && told.Matches(picture))
            : Normalised(answer) == Normalised(expected.Answer);
    }

    /// <summary>Small letters, single spaces, British spelling, no quotes around and no stop at the end.</summary>
    private static string Normalised(string text)
    {
        var normalised = new StringBuilder();
        foreach (var word in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            normalised.Append(normalised.Length > 0 ? " " : "").Append(word.ToLowerInvariant());
        }

        return normalised.ToString()
            .Trim('"', '“', '”', '\'')
            .TrimEnd('.', '。', '!', '！')
            .Replace("center", "centre", StringComparison.Ordinal);
    }
}
