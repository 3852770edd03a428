using System.Text.RegularExpressions;

namespace LlavaCluster.Training.Checkpoint;

/// <summary>
/// Which characters may become one token. A picture's words are A–Z and 0–9 and must be read character by character, so digits never
/// merge, capitals never with each other, and a capital never with the space before it: "A" is one id wherever it stands. A capital
/// merges only with the small letters after it, which a picture's word never has. Punctuation and other scripts stay single.
/// </summary>
internal static partial class BpeRules
{
    /// <summary>Stretches of a text within which merges are counted, spaces written as marks.</summary>
    public static IEnumerable<string> Words(string text) =>
        Word().Matches(text.Replace(' ', BpeVocabulary.Mark)).Select(m => m.Value);

    /// <summary>True when the two may become one.</summary>
    public static bool MayMerge(string left, string right) => Token().IsMatch(left + right);

    [GeneratedRegex("▁?[A-Za-z]+")]
    private static partial Regex Word();

    [GeneratedRegex("^▁?[A-Z]?[a-z]+$")]
    private static partial Regex Token();
}
