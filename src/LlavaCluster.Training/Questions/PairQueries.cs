using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Questions about two pictures.</summary>
internal static class PairQueries
{
    /// <summary>A question about both, or about one that it names; null when the scenes allow no such question.</summary>
    public static Query? Any(SceneFacts first, SceneFacts second, Chance chance) => chance.Weighted([3, 1, 1, 4]) switch
    {
        0 => WhichHas(first, second, chance),
        1 => BothHave(first, second, chance),
        2 => WithMore(first, second),
        _ => OfOne(first, second, chance),
    };

    /// <summary>A question about one picture and the same about the other: two turns; null when the scenes allow none.</summary>
    public static IReadOnlyList<Query>? InTurn(SceneFacts first, SceneFacts second, Chance chance)
    {
        var start = chance.Flip(0.7) ? 0 : 1;
        SceneFacts one = start == 0 ? first : second, other = start == 0 ? second : first;
        var (asked, next) = chance.Below(3) switch
        {
            0 when SceneQueries.Text(one) is { } read && SceneQueries.Text(other) is { } too => (read, too.Reply),
            1 => CountQueries.Some(one, chance) is var some ? (some, new Reply.OfNumber(other.Count(some.A))) : default,
            _ => (CountQueries.All(one), new Reply.OfNumber(other.Objects.Count)),
        };
        return
        [
            asked with { Form = QuestionForm.TwoPictures, Picture = start },
            new Query(QuestionForm.FollowUp, Topic.AndOtherPicture, next) { Picture = 1 - start },
        ];
    }

    private static Query? OfOne(SceneFacts first, SceneFacts second, Chance chance)
    {
        var picture = chance.Below(2);
        var facts = picture == 0 ? first : second;
        var query = chance.Weighted([2, 2, 2, 2, 1, 1.5, 0.7]) switch
        {
            0 => ObjectQueries.ByShape(facts, chance),
            1 => facts.Objects.Count == 1
                ? new Query(QuestionForm.Shape, Topic.ShapeOfOnly, new Reply.OfShape(facts.Objects[0].Shape))
                : ObjectQueries.ByColour(facts, chance),
            2 => CountQueries.Any(facts, chance),
            3 => YesNoQueries.Presence(facts, chance),
            4 => ObjectQueries.Place(facts, chance),
            5 => SceneQueries.Text(facts),
            _ => new Query(QuestionForm.TwoPictures, Topic.Describe, new Reply.OfScene(facts.Scene, false)),
        };
        return query is null ? null : query with { Form = QuestionForm.TwoPictures, Picture = picture };
    }

    private static Query? WhichHas(SceneFacts first, SceneFacts second, Chance chance)
    {
        var answer = chance.Below(2);
        SceneFacts with = answer == 0 ? first : second, without = answer == 0 ? second : first;
        var candidates = with.Objects
            .SelectMany(o => new[] { new Mention(o.Shape, null), new Mention(o.Shape, o.Colour), new Mention(null, o.Colour) })
            .Where(mention => without.Count(mention) == 0)
            .Distinct()
            .ToArray();
        return candidates.Length == 0
            ? null
            : new Query(QuestionForm.TwoPictures, Topic.WhichPicture, new Reply.OfPicture(answer)) { A = chance.Pick(candidates) };
    }

    /// <summary>Asked only where yes and no are both possible, else the more frequent one could be guessed.</summary>
    private static Query? BothHave(SceneFacts first, SceneFacts second, Chance chance)
    {
        var shapes = Enum.GetValues<SceneShape>().Select(shape => new Mention(shape, null)).ToArray();
        var shared = shapes.Where(mention => first.Count(mention) > 0 && second.Count(mention) > 0).ToArray();
        var single = shapes.Where(mention => first.Count(mention) > 0 != second.Count(mention) > 0).ToArray();
        if (shared.Length == 0 || single.Length == 0)
        {
            return null;
        }

        var holds = chance.Flip();
        return new Query(QuestionForm.TwoPictures, Topic.BothPictures, new Reply.OfTruth(holds)) { A = chance.Pick(holds ? shared : single) };
    }

    private static Query? WithMore(SceneFacts first, SceneFacts second)
    {
        var more = first.Objects.Count - second.Objects.Count;
        return more == 0 ? null : new Query(QuestionForm.TwoPictures, Topic.PictureWithMore, new Reply.OfPicture(more > 0 ? 0 : 1));
    }
}
