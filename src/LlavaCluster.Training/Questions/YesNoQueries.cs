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

    /// <summary>Whether an object of a shape, of a colour or of both is there; null when everything that could be asked for is.</summary>
    public static Query? ThereIs(SceneFacts facts, Chance chance)
    {
        var holds = chance.Flip();
        var kind = chance.Weighted([5, 2, 2]);
        var all = from shape in Enum.GetValues<SceneShape>()
                  from colour in Enum.GetValues<SceneColour>()
                  select kind switch { 0 => new Mention(shape, colour), 1 => new Mention(shape, null), _ => new Mention(null, colour) };
        var fitting = all.Distinct().Where(mention => facts.Count(mention) > 0 == holds).ToArray();

        // Right shape in a wrong colour, or the other way round.
        var near = fitting.Where(m => m is { Shape: { } shape, Colour: { } colour } && facts.Objects.Any(o => o.Shape == shape || o.Colour == colour)).ToArray();
        var pool = !holds && near.Length > 0 && chance.Flip(0.75) ? near : fitting;
        return pool.Length == 0
            ? null
            : new Query(QuestionForm.Presence, Topic.ThereIs, new Reply.OfTruth(holds)) { A = chance.Pick(pool) };
    }

    /// <summary>How two objects stand to each other; null when the scene allows no such question.</summary>
    public static Query? Relation(SceneFacts facts, Chance chance)
    {
        var named = Enumerable.Range(0, facts.Objects.Count).Where(i => facts.Named(i) is not null).ToArray();
        if (named.Length < 2)
        {
            return null;
        }

        var pair = chance.Shuffled(named);
        SceneObject a = facts.Objects[pair[0]], b = facts.Objects[pair[1]];
        var across = (a.CentreX - b.CentreX) / facts.Scene.Width;
        var down = (a.CentreY - b.CentreY) / facts.Scene.Height;
        var bigger = Math.Log(SceneFacts.Size(a) / SceneFacts.Size(b)) / Math.Log(SceneFacts.ClearlyBigger);
        var kind = chance.Weighted(
        [
            Math.Abs(across) >= SceneFacts.ClearlyApart ? 2 : 0, Math.Abs(down) >= SceneFacts.ClearlyApart ? 2 : 0, Math.Abs(bigger) >= 1 ? 1 : 0,
        ]);
        var holds = chance.Flip();
        Topic? topic = kind switch
        {
            0 => across < 0 == holds ? Topic.IsLeftOf : Topic.IsRightOf,
            1 => down < 0 == holds ? Topic.IsAbove : Topic.IsBelow,
            2 => bigger > 0 == holds ? Topic.IsBigger : Topic.IsSmaller,
            _ => null,
        };
        Mention Words(int index) => chance.Flip(0.2) ? new Mention(facts.Objects[index].Shape, facts.Objects[index].Colour) : facts.Named(index)!.Value;
        return topic is { } asked
            ? new Query(QuestionForm.Relation, asked, new Reply.OfTruth(holds)) { A = Words(pair[0]), B = Words(pair[1]) }
            : null;
    }

    private static Query? IsColour(SceneFacts facts, bool holds, Chance chance)
    {
        var unique = facts.Objects.Where(o => facts.Count(new Mention(o.Shape, null)) == 1).ToArray();
        if (unique.Length == 0)
        {
            return null;
        }

        var drawn = chance.Pick(unique);
        var others = facts.Objects.Select(o => o.Colour).Where(c => c != drawn.Colour).ToArray();
        var colour = holds ? drawn.Colour
            : others.Length > 0 && chance.Flip(0.6) ? chance.Pick(others)
            : chance.Pick([.. Enum.GetValues<SceneColour>().Where(c => c != drawn.Colour)]);
        return new Query(QuestionForm.Presence, Topic.IsColour, new Reply.OfTruth(holds)) { A = new Mention(drawn.Shape, null), B = new Mention(null, colour) };
    }

    private static Query? IsShape(SceneFacts facts, bool holds, Chance chance)
    {
        var unique = facts.Objects.Where(o => facts.Count(new Mention(null, o.Colour)) == 1).ToArray();
        if (unique.Length == 0)
        {
            return null;
        }

        var drawn = chance.Pick(unique);
        var others = facts.Objects.Select(o => o.Shape).Where(s => s != drawn.Shape).ToArray();
        var shape = holds ? drawn.Shape
            : others.Length > 0 && chance.Flip(0.6) ? chance.Pick(others)
            : chance.Pick([.. Enum.GetValues<SceneShape>().Where(s => s != drawn.Shape)]);
        return new Query(QuestionForm.Presence, Topic.IsShape, new Reply.OfTruth(holds)) { A = new Mention(null, drawn.Colour), B = new Mention(shape, null) };
    }
}
