using System.Text.RegularExpressions;
using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Model.Tests.Training.Questions;

/// <summary>The part of <see cref="SceneOracle"/> that compares two objects of a scene.</summary>
/// <param name="scene">The scene.</param>
/// <param name="only">The only object that words fit.</param>
/// <param name="demand">Throws where a question has no single right answer.</param>
internal sealed partial class PairOracle(Scene scene, Func<string, SceneObject> only, Action<bool, string> demand)
{
    /// <summary>"left", "above", "bigger": the answer to a question for how two compare; null when it is none.</summary>
    public string? Compared(string asked)
    {
        var match = Choice().Match(asked);
        match = match.Success ? match : SideOf().Match(asked);
        match = match.Success ? match : WhereFrom().Match(asked);
        if (!match.Success)
        {
            return null;
        }

        SceneObject a = only(match.Groups["a"].Value), b = only(match.Groups["b"].Value);
        var (across, down, ratio) = Difference(a, b);
        var beside = across < 0 ? "left" : "right";
        var over = down < 0 ? "above" : "below";
        switch (match.Groups["how"].Value)
        {
            case var how when how.Contains("left"):
                demand(Math.Abs(across) > 0.1, asked);
                return beside;
            case var how when how.Contains("above"):
                demand(Math.Abs(down) > 0.1, asked);
                return over;
            case var how when how.Contains("bigger"):
                demand(ratio is > 1.7 or < 0.59, asked);
                return ratio > 1 ? "bigger" : "smaller";
            default:
                double wide = Math.Abs(across), high = Math.Abs(down);
                demand(Math.Max(wide, high) > 0.1 && Math.Max(wide, high) > 1.5 * Math.Min(wide, high), asked);
                return wide > high ? beside : over;
        }
    }

    /// <summary>Whether the relation between the words before it and those after it holds; null when there is none.</summary>
    public bool? Related(string asked)
    {
        var match = Relations().Match(asked);
        if (!match.Success)
        {
            return null;
        }

        var relation = match.Value;
        var (across, down, ratio) = Difference(only(asked[..match.Index]), only(asked[(match.Index + match.Length)..]));
        demand(relation switch
        {
            _ when relation.Contains("left") || relation.Contains("right") => Math.Abs(across) > 0.1,
            "bigger" or "larger" or "smaller" => ratio is > 1.7 or < 0.59,
            _ => Math.Abs(down) > 0.1,
        }, asked);
        return relation switch
        {
            _ when relation.Contains("left") => across < 0,
            _ when relation.Contains("right") => across > 0,
            "bigger" or "larger" => ratio > 1,
            "smaller" => ratio < 1,
            "above" or "higher" or "over" => down < 0,
            _ => down > 0,
        };
    }

    private (double Across, double Down, double Ratio) Difference(SceneObject a, SceneObject b) => (
        (a.CentreX - b.CentreX) / scene.Width,
        (a.CentreY - b.CentreY) / scene.Height,
        (double)a.Width * a.Height / (b.Width * b.Height));

    [GeneratedRegex(
        @"^is the (?<a>.+?) (?<how>(to the |on the )?left or (to the |on the )?right of|(placed )?above or below|(drawn )?bigger or smaller than) the (?<b>.+)$")]
    private static partial Regex Choice();

    [GeneratedRegex("^on which side of the (?<b>.+?) is the (?<a>.+)$")]
    private static partial Regex SideOf();

    [GeneratedRegex("^where is the (?<a>.+?)( relative to|, seen from| compared to) the (?<b>.+)$")]
    private static partial Regex WhereFrom();

    [GeneratedRegex(
        "(to the |on the |further )?(left|right) (of|than)|above|higher|over|below|lower|under|bigger|larger|smaller")]
    private static partial Regex Relations();
}
