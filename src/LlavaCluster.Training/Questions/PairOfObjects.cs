using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>Two objects that can be told apart by words, and how clearly they differ in place and size.</summary>
internal sealed class PairOfObjects
{
    /// <summary>From this ratio of the distances on, one object is beside the other rather than above it, or the other way round.</summary>
    private const double ClearlyAlong = 1.6;

    private readonly SceneFacts _facts;
    private readonly int _first;
    private readonly int _second;
    private readonly double _across;
    private readonly double _down;
    private readonly double _bigger;

    private PairOfObjects(SceneFacts facts, int first, int second)
    {
        (_facts, _first, _second) = (facts, first, second);
        SceneObject a = facts.Objects[first], b = facts.Objects[second];
        _across = (a.CentreX - b.CentreX) / facts.Scene.Width;
        _down = (a.CentreY - b.CentreY) / facts.Scene.Height;
        _bigger = Math.Log(SceneFacts.Size(a) / SceneFacts.Size(b)) / Math.Log(SceneFacts.ClearlyBigger);
    }

    private bool IsApartAcross => Math.Abs(_across) >= SceneFacts.ClearlyApart;

    private bool IsApartDown => Math.Abs(_down) >= SceneFacts.ClearlyApart;

    private bool DiffersInSize => Math.Abs(_bigger) >= 1;

    /// <summary>A pair of chance; null when fewer than two objects can be named.</summary>
    public static PairOfObjects? OfChance(SceneFacts facts, Chance chance)
    {
        var named = Enumerable.Range(0, facts.Objects.Count).Where(i => facts.Named(i) is not null).ToArray();
        return named.Length < 2 ? null : chance.Shuffled(named) is var pair ? new PairOfObjects(facts, pair[0], pair[1]) : null;
    }

    /// <summary>A yes-no question about the pair; null when it differs in nothing clearly.</summary>
    /// <param name="chance">Decides.</param>
    /// <param name="acrossWeight">How often left and right are asked for, beside what is usual.</param>
    public Query? IsSo(Chance chance, double acrossWeight = 1)
    {
        var kind = chance.Weighted([IsApartAcross ? 2 * acrossWeight : 0, IsApartDown ? 2 : 0, DiffersInSize ? 1 : 0]);
        var holds = chance.Flip();
        Topic? topic = kind switch
        {
            0 => _across < 0 == holds ? Topic.IsLeftOf : Topic.IsRightOf,
            1 => _down < 0 == holds ? Topic.IsAbove : Topic.IsBelow,
            2 => _bigger > 0 == holds ? Topic.IsBigger : Topic.IsSmaller,
            _ => null,
        };
        return topic is { } asked ? Asked(QuestionForm.Relation, asked, new Reply.OfTruth(holds), chance) : null;
    }

    /// <summary>A question for how the first compares with the second; null when the pair differs in nothing clearly.</summary>
    /// <param name="chance">Decides.</param>
    /// <param name="acrossWeight">How often left and right are asked for, beside what is usual.</param>
    public Query? Compared(Chance chance, double acrossWeight = 1)
    {
        var isAlong = IsApartAcross && Math.Abs(_across) >= ClearlyAlong * Math.Abs(_down);
        var isUpright = IsApartDown && Math.Abs(_down) >= ClearlyAlong * Math.Abs(_across);
        var kind = chance.Weighted(
            [isAlong ? 3 * acrossWeight : isUpright ? 3 : 0, IsApartAcross ? 1.5 * acrossWeight : 0, IsApartDown ? 1.5 : 0, DiffersInSize ? 1 : 0]);
        Comparison beside = _across < 0 ? Comparison.Left : Comparison.Right, over = _down < 0 ? Comparison.Above : Comparison.Below;
        (Topic Topic, Comparison Reply)? asked = kind switch
        {
            0 => (Topic.SideOf, isAlong ? beside : over),
            1 => (Topic.LeftOrRight, beside),
            2 => (Topic.AboveOrBelow, over),
            3 => (Topic.BiggerOrSmaller, _bigger > 0 ? Comparison.Bigger : Comparison.Smaller),
            _ => null,
        };
        return asked is { } query ? Asked(QuestionForm.Comparison, query.Topic, new Reply.OfComparison(query.Reply), chance) : null;
    }

    private Query Asked(QuestionForm form, Topic topic, Reply reply, Chance chance) =>
        new(form, topic, reply) { A = Words(_first, chance), B = Words(_second, chance) };

    private Mention Words(int index, Chance chance) => chance.Flip(0.2)
        ? new Mention(_facts.Objects[index].Shape, _facts.Objects[index].Colour)
        : _facts.Named(index)!.Value;
}
