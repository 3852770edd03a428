namespace LlavaCluster.Training.Drawing;

/// <summary>
/// What is on a picture, in the picture's own pixels: the truth that questions and labels are made from. Immutable.
/// </summary>
/// <param name="Width">Pixels of a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Objects">The objects, in the order they are painted; none hides another.</param>
/// <param name="Text">The word on the picture, if there is one.</param>
internal sealed record Scene(int Width, int Height, IReadOnlyList<SceneObject> Objects, SceneText? Text);

/// <summary>What an object looks like.</summary>
internal enum SceneShape
{
    /// <summary>A disc or a ring.</summary>
    Circle,

    /// <summary>Four equal sides, upright.</summary>
    Square,

    /// <summary>Three sides, tip up.</summary>
    Triangle,

    /// <summary>Five points.</summary>
    Star,

    /// <summary>A square on its tip, or a taller rhombus.</summary>
    Diamond,

    /// <summary>A plus sign.</summary>
    Cross,
}

/// <summary>The eight colours of objects.</summary>
internal enum SceneColour
{
    /// <summary>Red.</summary>
    Red,

    /// <summary>Green.</summary>
    Green,

    /// <summary>Blue.</summary>
    Blue,

    /// <summary>Yellow.</summary>
    Yellow,

    /// <summary>Orange.</summary>
    Orange,

    /// <summary>Purple.</summary>
    Purple,

    /// <summary>Black.</summary>
    Black,

    /// <summary>White.</summary>
    White,
}

/// <summary>One object.</summary>
/// <param name="Shape">Its shape.</param>
/// <param name="Colour">Its colour.</param>
/// <param name="Filled">False: its outline only.</param>
/// <param name="CentreX">Middle of its bounding box, pixels from the left.</param>
/// <param name="CentreY">Middle of its bounding box, pixels from the top.</param>
/// <param name="Width">Width of its bounding box, pixels.</param>
/// <param name="Height">Height of its bounding box, pixels.</param>
internal sealed record SceneObject(
    SceneShape Shape, SceneColour Colour, bool Filled, float CentreX, float CentreY, float Width, float Height)
{
    /// <summary>The corners of its edge in order, pixels of the picture; empty: the plain form of its shape in its box.</summary>
    public IReadOnlyList<ScenePoint> Edge { get; init; } = [];

    /// <summary>How far the ink of an outline reaches inwards from the edge, pixels; 0 for a filled object.</summary>
    public float Stroke { get; init; }

    /// <summary>Its bounding box.</summary>
    public SceneBox Box => new(CentreX - (Width / 2), CentreY - (Height / 2), CentreX + (Width / 2), CentreY + (Height / 2));
}

/// <summary>An upright rectangle of a picture, pixels.</summary>
internal readonly record struct SceneBox(float Left, float Top, float Right, float Bottom)
{
    /// <summary>A point lies in it or on its border.</summary>
    public bool Holds(float x, float y) => x >= Left && x <= Right && y >= Top && y <= Bottom;

    /// <summary>Nearer to the other box than <paramref name="gap"/> along both axes.</summary>
    public bool IsWithin(float gap, SceneBox other) =>
        Left - gap < other.Right && Right + gap > other.Left && Top - gap < other.Bottom && Bottom + gap > other.Top;
}

/// <summary>A point of a picture, pixels from the left and from the top.</summary>
internal readonly record struct ScenePoint(float X, float Y);

/// <summary>The word on a picture.</summary>
/// <param name="Value">3–6 characters A–Z, 0–9.</param>
/// <param name="Glyphs">Where each character's ink is, from left to right.</param>
/// <param name="Height">Height of the capitals, pixels.</param>
internal sealed record SceneText(string Value, IReadOnlyList<GlyphBox> Glyphs, float Height)
{
    /// <summary>The box around all characters.</summary>
    public SceneBox Box => new(
        Glyphs.Min(glyph => glyph.Left), Glyphs.Min(glyph => glyph.Top), Glyphs.Max(glyph => glyph.Right), Glyphs.Max(glyph => glyph.Bottom));
}

/// <summary>The box of a character's ink, pixels.</summary>
internal readonly record struct GlyphBox(char Character, float Left, float Top, float Right, float Bottom);
