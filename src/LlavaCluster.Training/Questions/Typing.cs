using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>How people type: some small letters only, few capitals only, some without the mark at the end.</summary>
internal static class Typing
{
    /// <summary>The sentence, in the given share of calls as a hasty writer would type it.</summary>
    public static string Careless(string sentence, DialogueLanguage language, double share, Chance chance)
    {
        if (!chance.Flip(share))
        {
            return sentence;
        }

        var bare = sentence.TrimEnd('?', '.', '!', '？', '。', '！');
        if (language == DialogueLanguage.Chinese)
        {
            return chance.Flip(0.7) ? bare : bare + '?';
        }

        return chance.Weighted([4, 2, 4, 1]) switch
        {
            0 => sentence.ToLowerInvariant(),
            1 => bare,
            2 => bare.ToLowerInvariant(),
            _ => sentence.ToUpperInvariant(),
        };
    }
}
