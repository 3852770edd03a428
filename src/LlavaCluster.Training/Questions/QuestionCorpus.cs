using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Lines of text as the model will meet them, for the tokenizer.</summary>
internal static class QuestionCorpus
{
    /// <summary>Scenes per picture that are worth asking about before the next one.</summary>
    private const int DialoguesPerScene = 6;

    /// <summary>
    /// Questions and answers, one per line; the same seed and count give the same lines, whatever fonts are installed.
    /// </summary>
    public static IEnumerable<string> Lines(ulong seed, int count)
    {
        var mix = DialogueMix.Standard with { ChineseShare = 0.3 };
        return Dialogues(seed, mix).SelectMany(d => d.Exchanges).SelectMany(e => new[] { e.Question, e.Answer }).Take(count);
    }

    /// <summary>Endless dialogues about scenes that nobody painted, with one and two pictures and without.</summary>
    public static IEnumerable<Dialogue> Dialogues(ulong seed, DialogueMix mix)
    {
        var chance = new Chance(seed);
        while (true)
        {
            var pictures = Enumerable.Range(0, chance.Flip(0.15) ? 2 : 1)
                .Select(_ => SceneComposer.Unpainted(SceneMix.Standard, chance.Fork()))
                .ToArray();
            foreach (var dialogue in DialogueWriter.About(pictures, DialoguesPerScene, chance.Bits(), mix))
            {
                yield return dialogue;
            }

            foreach (var dialogue in DialogueWriter.WithoutPicture(1, chance.Bits(), mix.ChineseShare))
            {
                yield return dialogue;
            }
        }
    }
}
