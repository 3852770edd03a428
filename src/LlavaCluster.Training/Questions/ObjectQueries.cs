using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Questions for one object's shape, colour or place that have one right answer.</summary>
internal static class ObjectQueries
{
    /// <summary>A question for a shape; null when the scene allows none.</summary>
    public static Query? Shape(SceneFacts facts, Chance chance) => facts.Objects.Count == 1 && chance.Flip(0.6)
        ? new Query(QuestionForm.Shape, Topic.ShapeOfOnly, new Reply.OfShape(facts.Objects[0].Shape))
        : First(
            chance,
            [6, 1.5, 1],
            () => ByColour(facts, chance),
            () => At(facts, chance) is var (place, index)
                ? new Query(QuestionForm.Shape, Topic.ShapeAtPlace, new Reply.OfShape(facts.Objects[index].Shape)) { At = place }
                : null,
            () => facts.Biggest() is { } biggest
                ? new Query(QuestionForm.Shape, Topic.ShapeOfBiggest, new Reply.OfShape(facts.Objects[biggest].Shape))
                : null);

    /// <summary>A question for a colour; null when the scene allows none.</summary>
    public static Query? Colour(SceneFacts facts, Chance chance) => facts.Objects.Count == 1 && chance.Flip(0.4)
        ? new Query(QuestionForm.Colour, Topic.ColourOfOnly, new Reply.OfColour(facts.Objects[0].Colour))
        : First(
            chance,
            [6, 1.5, 1],
            () => ByShape(facts, chance),
            () => At(facts, chance) is var (place, index)
                ? new Query(QuestionForm.Colour, Topic.ColourAtPlace, new Reply.OfColour(facts.Objects[index].Colour)) { At = place }
                : null,
            () => facts.Biggest() is { } biggest
                ? new Query(QuestionForm.Colour, Topic.ColourOfBiggest, new Reply.OfColour(facts.Objects[biggest].Colour))
                : null);

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
                var mention = chance.Pick(mentions);
                mention = chance.Flip(0.15) ? new Mention(facts.Objects[index].Shape, facts.Objects[index].Colour) : mention;
                return new Query(QuestionForm.Place, Topic.PlaceOf, new Reply.OfPlace(place)) { A = mention };
            }
        }

        return null;
    }

    /// <summary>Asks for the shape of the object of a colour.</summary>
    public static Query? ByColour(SceneFacts facts, Chance chance)
    {
        var unique = facts.Objects.Where(o => facts.Count(new Mention(null, o.Colour)) == 1).ToArray();
        return unique.Length == 0
            ? null
            : chance.Pick(unique) is var drawn
                ? new Query(QuestionForm.Shape, Topic.ShapeOfColour, new Reply.OfShape(drawn.Shape)) { A = new Mention(null, drawn.Colour) }
                : null;
    }

    /// <summary>Asks for the colour of the object of a shape.</summary>
    public static Query? ByShape(SceneFacts facts, Chance chance)
    {
        var unique = facts.Objects.Where(o => facts.Count(new Mention(o.Shape, null)) == 1).ToArray();
        return unique.Length == 0
            ? null
            : chance.Pick(unique) is var drawn
                ? new Query(QuestionForm.Colour, Topic.ColourOfShape, new Reply.OfColour(drawn.Colour)) { A = new Mention(drawn.Shape, null) }
                : null;
    }

    private static (Place Place, int Index)? At(SceneFacts facts, Chance chance)
    {
        var places = Enum.GetValues<Place>().Where(place => facts.OnlyAt(place) is not null).ToArray();
        return places.Length == 0 ? null : chance.Pick(places) is var place ? (place, facts.OnlyAt(place)!.Value) : null;
    }

    /// <summary>The first question that can be asked, tried in an order of chance by weight.</summary>
    private static Query? First(Chance chance, double[] weights, params Func<Query?>[] makers)
    {
        var left = weights.ToArray();
        for (var i = chance.Weighted(left); i >= 0; i = chance.Weighted(left))
        {
            if (makers[i]() is { } query)
            {
                return query;
            }

            left[i] = 0;
        }

        return null;
    }
}
