using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Questions for the word on a picture, for everything on it, and for what is not there.</summary>
internal static class SceneQueries
{
    /// <summary>A question for the word; null when there is none.</summary>
    public static Query? Text(SceneFacts facts) =>
        facts.Scene.Text is { } text ? new Query(QuestionForm.Text, Topic.ReadText, new Reply.OfText(text.Value)) : null;

    /// <summary>A question for everything.</summary>
    public static Query Description(SceneFacts facts, Chance chance)
    {
        var places = chance.Flip(0.25);
        var topic = places ? Topic.DescribeInDetail : Topic.Describe;
        return new Query(QuestionForm.Description, topic, new Reply.OfScene(facts.Scene, places));
    }

    /// <summary>A question about something that is not there, as if it were.</summary>
    public static Query Absent(SceneFacts facts, Chance chance)
    {
        if (facts.Scene.Text is null && chance.Flip(0.5))
        {
            return new Query(QuestionForm.Unknowable, Topic.ReadText, new Reply.OfNoText());
        }

        if (chance.Flip(0.3))
        {
            var colour = chance.Pick([.. Enum.GetValues<SceneColour>().Where(c => facts.Objects.All(o => o.Colour != c))]);
            var missing = new Mention(null, colour);
            return new Query(QuestionForm.Unknowable, Topic.ShapeOfColour, new Reply.OfNothing(missing)) { A = missing };
        }

        var shape = chance.Pick([.. Enum.GetValues<SceneShape>().Where(s => facts.Objects.All(o => o.Shape != s))]);
        var absent = new Mention(shape, null);
        var topic = chance.Flip(0.6) ? Topic.ColourOfShape : Topic.PlaceOf;
        return new Query(QuestionForm.Unknowable, topic, new Reply.OfNothing(absent)) { A = absent };
    }
}
