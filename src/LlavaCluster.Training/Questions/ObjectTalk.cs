using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>
/// Conversations about objects: a question about one, then something else about it ("What colour is it?") or the same about another
/// ("And the other one?"), once or twice.
/// </summary>
internal static class ObjectTalk
{
    private enum Trait
    {
        Shape,
        Colour,
        Place,
    }

    /// <summary>A conversation; null when the scene allows none.</summary>
    public static IReadOnlyList<Query>? Try(SceneFacts facts, Chance chance)
    {
        // 1. An object that some words fit alone, and a question about it.
        var nameable = Enumerable.Range(0, facts.Objects.Count).Where(i => facts.Mentions(i).Count > 0).ToArray();
        if (nameable.Length == 0)
        {
            return null;
        }

        var focus = chance.Pick(nameable);
        var mention = chance.Pick(facts.Mentions(focus));
        var unsaid = Unsaid(facts, focus, mention);
        if (unsaid.Count == 0)
        {
            return null;
        }

        Trait? asked = chance.Flip(0.1) ? null : chance.Pick(unsaid);
        var turns = new List<Query> { Opening(facts, focus, mention, asked) };
        unsaid.RemoveAll(trait => trait == asked);

        // 2. Once or twice more.
        var more = chance.Flip(0.35) ? 2 : 1;
        for (var turn = 0; turn < more; turn++)
        {
            if (asked is { } same
                && chance.Flip(unsaid.Count > 0 ? 0.5 : 1)
                && Another(facts, focus, same, chance) is var (other, next))
            {
                turns.Add(next);
                focus = other;
                unsaid = Unsaid(facts, other, next.A);
                unsaid.Remove(same);
            }
            else if (unsaid.Count > 0)
            {
                var trait = chance.Pick(unsaid);
                turns.Add(new Query(QuestionForm.FollowUp, Its(trait), ReplyOf(facts, focus, trait)));
                unsaid.Remove(trait);
                asked = trait;
            }
        }

        return turns.Count > 1 ? turns : null;
    }

    /// <summary>What the words for an object leave to ask.</summary>
    private static List<Trait> Unsaid(SceneFacts facts, int index, Mention mention) =>
    [
        .. mention.Shape is null ? [Trait.Shape] : Array.Empty<Trait>(),
        .. mention.Colour is null ? [Trait.Colour] : Array.Empty<Trait>(),
        .. facts.Places[index] is not null ? [Trait.Place] : Array.Empty<Trait>(),
    ];

    private static Query Opening(SceneFacts facts, int index, Mention mention, Trait? asked) => asked switch
    {
        Trait.Shape => new Query(QuestionForm.Shape, Topic.ShapeOfColour, ReplyOf(facts, index, Trait.Shape)) { A = mention },
        Trait.Colour => new Query(QuestionForm.Colour, Topic.ColourOfShape, ReplyOf(facts, index, Trait.Colour)) { A = mention },
        Trait.Place => new Query(QuestionForm.Place, Topic.PlaceOf, ReplyOf(facts, index, Trait.Place)) { A = mention },
        _ => new Query(QuestionForm.Presence, Topic.ThereIs, new Reply.OfTruth(true)) { A = mention },
    };

    /// <summary>The same question about another object: "the other one" where there are two, else by its name.</summary>
    private static (int Index, Query Query)? Another(SceneFacts facts, int focus, Trait asked, Chance chance)
    {
        foreach (var other in chance.Shuffled(Enumerable.Range(0, facts.Objects.Count).Where(i => i != focus)))
        {
            if (asked == Trait.Place && facts.Places[other] is null)
            {
                continue;
            }

            var reply = ReplyOf(facts, other, asked);
            if (facts.Objects.Count == 2 && chance.Flip(0.6))
            {
                return (other, new Query(QuestionForm.FollowUp, Topic.AndOther, reply));
            }

            // The name must not give the answer away.
            var mentions = facts.Mentions(other).Where(mention => Unsaid(facts, other, mention).Contains(asked)).ToArray();
            if (mentions.Length > 0)
            {
                return (other, new Query(QuestionForm.FollowUp, Topic.AndThe, reply) { A = chance.Pick(mentions) });
            }
        }

        return null;
    }

    private static Topic Its(Trait trait) => trait switch
    {
        Trait.Shape => Topic.ItsShape,
        Trait.Colour => Topic.ItsColour,
        _ => Topic.ItsPlace,
    };

    private static Reply ReplyOf(SceneFacts facts, int index, Trait trait) => trait switch
    {
        Trait.Shape => new Reply.OfShape(facts.Objects[index].Shape),
        Trait.Colour => new Reply.OfColour(facts.Objects[index].Colour),
        _ => new Reply.OfPlace(facts.Places[index]!.Value),
    };
}
