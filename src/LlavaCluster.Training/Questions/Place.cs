using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Training.Questions;

/// <summary>The ninths of a picture.</summary>
internal enum Place
{
    /// <summary>Top left corner.</summary>
    TopLeft,

    /// <summary>Top, in the middle.</summary>
    Top,

    /// <summary>Top right corner.</summary>
    TopRight,

    /// <summary>Left, halfway down.</summary>
    Left,

    /// <summary>The centre.</summary>
    Centre,

    /// <summary>Right, halfway down.</summary>
    Right,

    /// <summary>Bottom left corner.</summary>
    BottomLeft,

    /// <summary>Bottom, in the middle.</summary>
    Bottom,

    /// <summary>Bottom right corner.</summary>
    BottomRight,
}

/// <summary>Which ninth something lies in, by the middle of its box.</summary>
internal static class PlaceRule
{
    /// <summary>
    /// Nearer than this to the border of two ninths, share of the picture's side, two people could name two places.
    /// </summary>
    public const double Margin = 0.035;

    /// <summary>The ninth of a point; null when it is too near to a border to say.</summary>
    public static Place? Of(Scene scene, float x, float y) =>
        Third(x / scene.Width) is { } column && Third(y / scene.Height) is { } row ? (Place)((row * 3) + column) : null;

    /// <summary>The ninth of an object, however near to a border.</summary>
    public static Place Nearest(Scene scene, SceneObject drawn) =>
        (Place)(((int)(3 * drawn.CentreY / scene.Height) * 3) + (int)(3 * drawn.CentreX / scene.Width));

    /// <summary>Column 0–2 from the left.</summary>
    public static int Column(Place place) => (int)place % 3;

    /// <summary>Row 0–2 from the top.</summary>
    public static int Row(Place place) => (int)place / 3;

    private static int? Third(double share)
    {
        if (Math.Abs(share - (1 / 3.0)) < Margin || Math.Abs(share - (2 / 3.0)) < Margin)
        {
            return null;
        }

        return Math.Clamp((int)(share * 3), 0, 2);
    }
}
