using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>What can be said of a scene without doubt.</summary>
internal sealed class SceneFacts
{
    /// <summary>From this ratio of mean sides on, one object is bigger than another.</summary>
    public const double ClearlyBigger = 1.35;

    /// <summary>
    /// From this distance of the middles on, share of the picture's side, one object is left of or above another.
    /// </summary>
    public const double ClearlyApart = 0.12;

    /// <summary>Finds the places once.</summary>
    public SceneFacts(Scene scene)
    {
        Scene = scene;
        Places = [.. scene.Objects.Select(drawn => PlaceRule.Of(scene, drawn.CentreX, drawn.CentreY))];
    }

    /// <summary>The scene.</summary>
    public Scene Scene { get; }

    /// <summary>The place of each object; null where it is not clear.</summary>
    public IReadOnlyList<Place?> Places { get; }

    /// <summary>The objects.</summary>
    public IReadOnlyList<SceneObject> Objects => Scene.Objects;

    /// <summary>Place of the text; null without one, or where it is not clear.</summary>
    public Place? TextPlace => Scene.Text is { Box: var box }
        ? PlaceRule.Of(Scene, (box.Left + box.Right) / 2, (box.Top + box.Bottom) / 2)
        : null;

    /// <summary>How many objects fit.</summary>
    public int Count(Mention mention) => Objects.Count(mention.Fits);

    /// <summary>
    /// The shortest words that fit this object alone: its shape, its colour, or else both. Empty when another looks the same.
    /// </summary>
    public IReadOnlyList<Mention> Mentions(int index)
    {
        var drawn = Objects[index];
        Mention[] single = [new(drawn.Shape, null), new(null, drawn.Colour)];
        var unique = single.Where(mention => Count(mention) == 1).ToArray();
        var both = new Mention(drawn.Shape, drawn.Colour);
        return unique.Length > 0 ? unique : Count(both) == 1 ? [both] : [];
    }

    /// <summary>
    /// Words by shape, with the colour only if it needs be, that fit this object alone; null when another looks the same.
    /// </summary>
    public Mention? Named(int index)
    {
        var drawn = Objects[index];
        var byShape = new Mention(drawn.Shape, null);
        var both = new Mention(drawn.Shape, drawn.Colour);
        return Count(byShape) == 1 ? byShape : Count(both) == 1 ? both : null;
    }

    /// <summary>
    /// The only object that somebody who names this place can mean; null when there is none, or when it is not clear.
    /// </summary>
    /// <remarks>"On the left" may be said of a corner too, so nothing else may be on that side.</remarks>
    public int? OnlyAt(Place place)
    {
        if (Places.Any(p => p is null))
        {
            return null;
        }

        bool Near(Place p) => place switch
        {
            Place.Left or Place.Right => PlaceRule.Column(p) == PlaceRule.Column(place),
            Place.Top or Place.Bottom => PlaceRule.Row(p) == PlaceRule.Row(place),
            _ => p == place,
        };
        var near = Enumerable.Range(0, Objects.Count).Where(i => Near(Places[i]!.Value)).ToArray();
        return near.Length == 1 && Places[near[0]] == place ? near[0] : null;
    }

    /// <summary>The object that is clearly bigger than all others; null when there is none or only one object.</summary>
    public int? Biggest()
    {
        var order = Enumerable.Range(0, Objects.Count).OrderByDescending(i => Size(Objects[i])).ToArray();
        return order.Length > 1 && Size(Objects[order[0]]) >= ClearlyBigger * Size(Objects[order[1]]) ? order[0] : null;
    }

    /// <summary>Side of the square that is as large as an object's box.</summary>
    public static double Size(SceneObject drawn) => Math.Sqrt(drawn.Width * drawn.Height);
}
