using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Questions for one object's shape, colour or place that have one right answer.</summary>
internal static class ObjectQueries
{
    /// <summary>A question for a shape; null when the scene allows none.</summary>
    public static Query? Shape(SceneFacts facts, Chance chance) => facts.Objects.Count == 1 && chance.Flip(0.6)
        ? OfShape(Topic.ShapeOfOnly, facts.Objects[0])
        : First(
            chance,
            [6, 1.5, 1],
            () => ByColour(facts, chance),
            () => At(facts, chance) is var (place, drawn) ? OfShape(Topic.ShapeAtPlace, drawn) with { At = place } : null,
            () => facts.Biggest() is { } biggest ? OfShape(Topic.ShapeOfBiggest, facts.Objects[biggest]) : null);

    /// <summary>A question for a colour; null when the scene allows none.</summary>
    public static Query? Colour(SceneFacts facts, Chance chance) => facts.Objects.Count == 1 && chance.Flip(0.4)
        ? OfColour(Topic.ColourOfOnly, facts.Objects[0])
        : First(
            chance,
            [6, 1.5, 1],
            () => ByShape(facts, chance),
            () => At(facts, chance) is var (place, drawn) ? OfColour(Topic.ColourAtPlace, drawn) with { At = place } : null,
            () => facts.Biggest() is { } biggest ? OfColour(Topic.ColourOfBiggest, facts.Objects[biggest]) : null);

    /// <summary>A question for a place; null when the scene allows none.</summary>
    public static Query? Place(SceneFacts facts, Chance chance)
    {
        if (facts.Objects.Count == 1 && facts.Places[0] is { } only && chance.Flip(0.3))
        {
            return new Query(QuestionForm.Place, Topic.PlaceOfOnly, new Reply.OfPlace(only));
        }

        if (facts.TextPlace is { } text && chance.Flip(0.12))
        {
            return new Query(QuestionForm.Place, Topic.PlaceOfText, new Reply.OfPlace(text));
        }

        foreach (var index in chance.Shuffled(Enumerable.Range(0, facts.Objects.Count)))
        {
            if (facts.Places[index] is { } place && facts.Mentions(index) is { Count: > 0 } mentions)
            {
                var drawn = facts.Objects[index];
                var mention = chance.Flip(0.15) ? new Mention(drawn.Shape, drawn.Colour) : chance.Pick(mentions);
                return new Query(QuestionForm.Place, Topic.PlaceOf, new Reply.OfPlace(place)) { A = mention };
            }
        }

        return null;
    }

    /// <summary>Asks for the shape of the only object of a colour.</summary>
    public static Query? ByColour(SceneFacts facts, Chance chance) =>
        Unique(facts, drawn => new Mention(null, drawn.Colour), chance) is { } drawn
            ? OfShape(Topic.ShapeOfColour, drawn) with { A = new Mention(null, drawn.Colour) }
            : null;

    /// <summary>Asks for the colour of the only object of a shape.</summary>
    public static Query? ByShape(SceneFacts facts, Chance chance) =>
        Unique(facts, drawn => new Mention(drawn.Shape, null), chance) is { } drawn
            ? OfColour(Topic.ColourOfShape, drawn) with { A = new Mention(drawn.Shape, null) }
            : null;

    /// <summary>An object that its words fit alone; null when there is none.</summary>
    public static SceneObject? Unique(SceneFacts facts, Func<SceneObject, Mention> words, Chance chance)
    {
        var unique = facts.Objects.Where(drawn => facts.Count(words(drawn)) == 1).ToArray();
        return unique.Length > 0 ? chance.Pick(unique) : null;
    }

    private static Query OfShape(Topic topic, SceneObject drawn) => new(QuestionForm.Shape, topic, new Reply.OfShape(drawn.Shape));

    private static Query OfColour(Topic topic, SceneObject drawn) => new(QuestionForm.Colour, topic, new Reply.OfColour(drawn.Colour));

    private static (Place Place, SceneObject Drawn)? At(SceneFacts facts, Chance chance)
    {
        var places = Enum.GetValues<Place>()
            .Select(place => (place, index: facts.OnlyAt(place)))
            .Where(at => at.index is not null)
            .ToArray();
        return places.Length > 0 && chance.Pick(places) is var at ? (at.place, facts.Objects[at.index!.Value]) : null;
    }

    /// <summary>The first question that can be asked, tried in an order of chance by weight.</summary>
    private static Query? First(Chance chance, double[] weights, params Func<Query?>[] makers)
    {
        for (var i = chance.Weighted(weights); i >= 0; i = chance.Weighted(weights))
        {
            if (makers[i]() is { } query)
            {
                return query;
            }

            weights[i] = 0;
        }

        return null;
    }
}
