using System.Text.RegularExpressions;
using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>What a description names, read back from its words in either language.</summary>
/// <param name="Objects">Each object's shape and colour, in the order of the text.</param>
/// <param name="Text">The quoted word; null without one.</param>
internal sealed partial record NamedThings(IReadOnlyList<(SceneShape Shape, SceneColour Colour)> Objects, string? Text)
{
    private static readonly Dictionary<string, SceneShape> Shapes =
        Names(Enum.GetValues<SceneShape>(), EnglishTongue.Name, ChineseTongue.Name);

    private static readonly Dictionary<string, SceneColour> Colours =
        Names(Enum.GetValues<SceneColour>(), EnglishTongue.Name, ChineseTongue.Name);

    private static readonly Regex AnyName = new(
        string.Join('|', Shapes.Keys.Concat(Colours.Keys).Select(name => char.IsAscii(name[0]) ? $@"\b{name}(?:s|es)?\b" : name)),
        RegexOptions.IgnoreCase | RegexOptions.Compiled);

    /// <summary>
    /// The things that a text names; null when a colour has no shape or a shape no colour, or two words are quoted.
    /// </summary>
    public static NamedThings? In(string text)
    {
        var quoted = Quoted().Matches(text);
        if (quoted.Count > 1)
        {
            return null;
        }

        var objects = new List<(SceneShape, SceneColour)>();
        SceneColour? pending = null;
        foreach (Match match in AnyName.Matches(Quoted().Replace(text, " ")))
        {
            var name = match.Value.ToLowerInvariant();
            if (Colours.TryGetValue(name, out var colour) && pending is null)
            {
                pending = colour;
            }
            else if (pending is { } its && Shapes.TryGetValue(name, out var shape))
            {
                objects.Add((shape, its));
                pending = null;
            }
            else
            {
                return null;
            }
        }

        return pending is null ? new NamedThings(objects, quoted.Count == 1 ? quoted[0].Groups[1].Value.Trim() : null) : null;
    }

    /// <summary>Every object and the text of the scene is named, and nothing else.</summary>
    public bool Matches(Scene scene) =>
        string.Equals(Text, scene.Text?.Value, StringComparison.OrdinalIgnoreCase)
        && Objects.Order().SequenceEqual(scene.Objects.Select(o => (o.Shape, o.Colour)).Order());

    [GeneratedRegex("[\"“”]([^\"“”]*)[\"“”]")]
    private static partial Regex Quoted();

    private static Dictionary<string, T> Names<T>(T[] values, params Func<T, string>[] tongues)
        where T : struct =>
        tongues.SelectMany(name => values.Select(value => (name: name(value), value))).ToDictionary(pair => pair.name, pair => pair.value);
}
