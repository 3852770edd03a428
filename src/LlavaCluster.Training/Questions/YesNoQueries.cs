using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Yes-no questions: half are true, and most false ones are nearly true, so that nothing but looking helps.</summary>
internal static class YesNoQueries
{
    /// <summary>Whether something is there; null when the scene allows no such question.</summary>
    public static Query? Presence(SceneFacts facts, Chance chance)
    {
        return chance.Weighted([9, 1.5, 1.5, 0.6]) switch
        {
            0 => ThereIs(facts, chance),
            1 => IsColour(facts, chance.Flip(), chance),
            2 => IsShape(facts, chance.Flip(), chance),
            _ => new Query(QuestionForm.Presence, Topic.ThereIsText, new Reply.OfTruth(facts.Scene.Text is not null)),
        };
    }

    /// <summary>
    /// Whether an object of a shape, of a colour or of both is there; null when everything that could be asked for is.
    /// </summary>
    public static Query? ThereIs(SceneFacts facts, Chance chance)
    {
        var holds = chance.Flip();
        var kind = chance.Weighted([5, 2, 2]);
        var all = from shape in Enum.GetValues<SceneShape>()
                  from colour in Enum.GetValues<SceneColour>()
                  select new Mention(kind < 2 ? shape : null, kind != 1 ? colour : null);
        var fitting = all.Distinct().Where(mention => facts.Count(mention) > 0 == holds).ToArray();

        // Right shape in a wrong colour, or the other way round.
        var near = kind > 0 ? [] : fitting.Where(m => facts.Objects.Any(o => o.Shape == m.Shape || o.Colour == m.Colour)).ToArray();
        var pool = !holds && near.Length > 0 && chance.Flip(0.75) ? near : fitting;
        return pool.Length == 0
            ? null
            : new Query(QuestionForm.Presence, Topic.ThereIs, new Reply.OfTruth(holds)) { A = chance.Pick(pool) };
    }

    private static Query? IsColour(SceneFacts facts, bool holds, Chance chance)
    {
        if (ObjectQueries.Unique(facts, o => new Mention(o.Shape, null), chance) is not { } drawn)
        {
            return null;
        }

        var colour = holds ? drawn.Colour : Other(drawn.Colour, facts.Objects.Select(o => o.Colour), chance);
        return new Query(QuestionForm.Presence, Topic.IsColour, new Reply.OfTruth(holds))
        {
            A = new Mention(drawn.Shape, null),
            B = new Mention(null, colour),
        };
    }

    private static Query? IsShape(SceneFacts facts, bool holds, Chance chance)
    {
        if (ObjectQueries.Unique(facts, o => new Mention(null, o.Colour), chance) is not { } drawn)
        {
            return null;
        }

        var shape = holds ? drawn.Shape : Other(drawn.Shape, facts.Objects.Select(o => o.Shape), chance);
        return new Query(QuestionForm.Presence, Topic.IsShape, new Reply.OfTruth(holds))
        {
            A = new Mention(null, drawn.Colour),
            B = new Mention(shape, null),
        };
    }

    /// <summary>A wrong value: rather one that is on the picture too.</summary>
    private static T Other<T>(T right, IEnumerable<T> present, Chance chance)
        where T : struct, Enum
    {
        var near = present.Where(value => !value.Equals(right)).ToArray();
        return near.Length > 0 && chance.Flip(0.6)
            ? chance.Pick(near)
            : chance.Pick([.. Enum.GetValues<T>().Where(value => !value.Equals(right))]);
    }
}
