using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Questions for a number. Rare numbers are asked for where they occur, so that no number is right too often.</summary>
internal static class CountQueries
{
    /// <summary>How much a number of fitting objects is preferred, 0–4: the inverse of how often scenes offer it.</summary>
    private static readonly double[] Preference = [0.5, 0.5, 3, 8, 14];

    /// <summary>A question for a number.</summary>
    public static Query Any(SceneFacts facts, Chance chance) => chance.Flip(0.4) ? All(facts) : Some(facts, chance);

    /// <summary>How many objects in all.</summary>
    public static Query All(SceneFacts facts) => new(QuestionForm.Count, Topic.CountAll, new Reply.OfNumber(facts.Objects.Count));

    /// <summary>How many of a shape, of a colour or of both.</summary>
    public static Query Some(SceneFacts facts, Chance chance)
    {
        var mentions = Candidates(facts, chance.Weighted([6, 3, 1.5]));
        var perNumber = new int[Preference.Length];
        foreach (var mention in mentions)
        {
            perNumber[facts.Count(mention)]++;
        }

        var number = chance.Weighted([.. Preference.Select((weight, n) => perNumber[n] > 0 ? weight : 0)]);
        var picked = chance.Pick([.. mentions.Where(mention => facts.Count(mention) == number)]);
        return new Query(QuestionForm.Count, Topic.CountSome, new Reply.OfNumber(number)) { A = picked };
    }

    private static Mention[] Candidates(SceneFacts facts, int kind) => kind switch
    {
        0 => [.. Enum.GetValues<SceneShape>().Select(shape => new Mention(shape, null))],
        1 => [.. Enum.GetValues<SceneColour>().Select(colour => new Mention(null, colour))],
        _ =>
        [
            .. from shape in Enum.GetValues<SceneShape>()
               from colour in Enum.GetValues<SceneColour>()
               where facts.Objects.Any(o => o.Shape == shape) || facts.Objects.Any(o => o.Colour == colour)
               select new Mention(shape, colour),
        ],
    };
}
