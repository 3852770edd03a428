using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Conversations of two or three turns whose later questions cannot be understood without the earlier ones.</summary>
internal static class FollowUps
{
    private const int Tries = 8;

    /// <summary>A conversation; null when the scene allows none.</summary>
    public static IReadOnlyList<Query>? Try(SceneFacts facts, Chance chance) => chance.Weighted([7, 2.2, 1.6, 0.7]) switch
    {
        0 => ObjectTalk.Try(facts, chance),
        1 => Numbers(facts, chance),
        2 => Presences(facts, chance),
        _ => Text(facts),
    };

    /// <summary>The word, then where it is.</summary>
    private static List<Query>? Text(SceneFacts facts) => SceneQueries.Text(facts) is { } read && facts.TextPlace is { } place
        ? [read, new Query(QuestionForm.FollowUp, Topic.ItsPlace, new Reply.OfPlace(place))]
        : null;

    /// <summary>How many, then how many of them; or how many of these, then of those.</summary>
    private static List<Query>? Numbers(SceneFacts facts, Chance chance)
    {
        var next = CountQueries.Some(facts, chance) with { Form = QuestionForm.FollowUp };
        if (chance.Flip() && facts.Objects.Count > 1)
        {
            return [CountQueries.All(facts), next with { Topic = Topic.OfThem }];
        }

        return Before(next, () => CountQueries.Some(facts, chance)) is { } first
            ? [first, next with { Topic = Topic.AndHowMany }]
            : null;
    }

    /// <summary>Whether this is there, then whether that is.</summary>
    private static List<Query>? Presences(SceneFacts facts, Chance chance)
    {
        if (YesNoQueries.ThereIs(facts, chance) is not { } next)
        {
            return null;
        }

        return Before(next, () => YesNoQueries.ThereIs(facts, chance)) is { } first
            ? [first, next with { Form = QuestionForm.FollowUp, Topic = Topic.AndIsThere }]
            : null;
    }

    /// <summary>A question about other objects than the next one's, named in the same way.</summary>
    private static Query? Before(Query next, Func<Query?> make)
    {
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            if (make() is { } first && first.A != next.A && first.A.IsLike(next.A))
            {
                return first;
            }
        }

        return null;
    }
}
