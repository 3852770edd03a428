using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Conversations of two or three turns whose later questions cannot be understood without the earlier ones.</summary>
internal static class FollowUps
{
    /// <summary>What a turn asked of an object, and what is still unsaid.</summary>
    private enum Asked
    {
        Shape,
        Colour,
        Place,
        Presence,
    }

    /// <summary>A conversation; null when the scene allows none.</summary>
    public static IReadOnlyList<Query>? Try(SceneFacts facts, Chance chance) => chance.Weighted([7, 2.5, 0.7]) switch
    {
        0 => AboutObjects(facts, chance),
        1 => AboutNumbers(facts, chance),
        _ => AboutText(facts),
    };

    private static List<Query>? AboutText(SceneFacts facts) => SceneQueries.Text(facts) is { } read && facts.TextPlace is { } place
        ? [read, new Query(QuestionForm.FollowUp, Topic.ItsPlace, new Reply.OfPlace(place))]
        : null;

    private static List<Query>? AboutNumbers(SceneFacts facts, Chance chance)
    {
        if (chance.Flip() && facts.Objects.Count > 1)
        {
            var some = CountQueries.Some(facts, chance);
            return [CountQueries.All(facts), some with { Form = QuestionForm.FollowUp, Topic = Topic.OfThem }];
        }

        var first = CountQueries.Some(facts, chance);
        for (var attempt = 0; attempt < 8; attempt++)
        {
            var next = CountQueries.Some(facts, chance);
            if (next.A != first.A)
            {
                return [first, next with { Form = QuestionForm.FollowUp, Topic = Topic.AndHowMany }];
            }
        }

        return null;
    }

    private static List<Query>? AboutObjects(SceneFacts facts, Chance chance)
    {
        // 1. An object that two words of its own name, and a question about it.
        var nameable = Enumerable.Range(0, facts.Objects.Count).Where(i => facts.Mentions(i).Count > 0).ToArray();
        if (nameable.Length == 0)
        {
            return null;
        }

        var focus = chance.Pick(nameable);
        var mention = chance.Pick(facts.Mentions(focus));
        var asked = chance.Pick(Askable(facts, focus, mention));
        var turns = new List<Query> { Opening(facts, focus, mention, asked) };
        var (knowsShape, knowsColour, knowsPlace) = (mention.Shape is not null || asked == Asked.Shape, mention.Colour is not null || asked == Asked.Colour, asked == Asked.Place);

        // 2. Once or twice: something else about it, or the same about another.
        var more = chance.Flip(0.35) ? 2 : 1;
        for (var turn = 0; turn < more; turn++)
        {
            var unsaid = new List<Asked>();
            AddIf(unsaid, Asked.Shape, !knowsShape);
            AddIf(unsaid, Asked.Colour, !knowsColour);
            AddIf(unsaid, Asked.Place, !knowsPlace && facts.Places[focus] is not null);
            if (asked != Asked.Presence && chance.Flip(unsaid.Count > 0 ? 0.5 : 1) && Another(facts, focus, asked, chance) is var (other, next))
            {
                turns.Add(next);
                focus = other;
                (knowsShape, knowsColour, knowsPlace) = (true, true, true);
                if (next.Topic == Topic.AndThe)
                {
                    (knowsShape, knowsColour, knowsPlace) = (next.A.Shape is not null || asked == Asked.Shape, next.A.Colour is not null || asked == Asked.Colour, asked == Asked.Place);
                }
            }
            else if (unsaid.Count > 0)
            {
                asked = chance.Pick(unsaid);
                turns.Add(new Query(QuestionForm.FollowUp, Its(asked), ReplyOf(facts, focus, asked)));
                (knowsShape, knowsColour, knowsPlace) = (knowsShape || asked == Asked.Shape, knowsColour || asked == Asked.Colour, knowsPlace || asked == Asked.Place);
            }
        }

        return turns.Count > 1 ? turns : null;
    }

    private static Asked[] Askable(SceneFacts facts, int index, Mention mention)
    {
        var askable = new List<Asked> { Asked.Presence };
        AddIf(askable, Asked.Shape, mention.Shape is null);
        AddIf(askable, Asked.Colour, mention.Colour is null);
        AddIf(askable, Asked.Place, facts.Places[index] is not null);
        return [.. askable];
    }

    private static Query Opening(SceneFacts facts, int index, Mention mention, Asked asked) => asked switch
    {
        Asked.Shape => new Query(QuestionForm.Shape, Topic.ShapeOfColour, ReplyOf(facts, index, asked)) { A = mention },
        Asked.Colour => new Query(QuestionForm.Colour, Topic.ColourOfShape, ReplyOf(facts, index, asked)) { A = mention },
        Asked.Place => new Query(QuestionForm.Place, Topic.PlaceOf, ReplyOf(facts, index, asked)) { A = mention },
        _ => new Query(QuestionForm.Presence, Topic.ThereIs, new Reply.OfTruth(true)) { A = mention },
    };

    /// <summary>The same question about another object: "the other one" where there are two, else by its name.</summary>
    private static (int Index, Query Query)? Another(SceneFacts facts, int focus, Asked asked, Chance chance)
    {
        foreach (var other in chance.Shuffled(Enumerable.Range(0, facts.Objects.Count).Where(i => i != focus)))
        {
            if (asked == Asked.Place && facts.Places[other] is null)
            {
                continue;
            }

            var reply = ReplyOf(facts, other, asked);
            if (facts.Objects.Count == 2 && chance.Flip(0.6))
            {
                return (other, new Query(QuestionForm.FollowUp, Topic.AndOther, reply));
            }

            // The name must not be what is asked for.
            var mentions = facts.Mentions(other)
                .Where(m => (asked != Asked.Shape || m.Shape is null) && (asked != Asked.Colour || m.Colour is null))
                .ToArray();
            if (mentions.Length > 0)
            {
                return (other, new Query(QuestionForm.FollowUp, Topic.AndThe, reply) { A = chance.Pick(mentions) });
            }
        }

        return null;
    }

    private static Topic Its(Asked asked) => asked switch { Asked.Shape => Topic.ItsShape, Asked.Colour => Topic.ItsColour, _ => Topic.ItsPlace };

    private static Reply ReplyOf(SceneFacts facts, int index, Asked asked) => asked switch
    {
        Asked.Shape => new Reply.OfShape(facts.Objects[index].Shape),
        Asked.Colour => new Reply.OfColour(facts.Objects[index].Colour),
        _ => new Reply.OfPlace(facts.Places[index]!.Value),
    };

    private static void AddIf(List<Asked> list, Asked asked, bool condition)
    {
        if (condition)
        {
            list.Add(asked);
        }
    }
}
