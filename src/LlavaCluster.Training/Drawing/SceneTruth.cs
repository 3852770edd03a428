namespace LlavaCluster.Training.Drawing;

/// <summary>What is true of a point of a picture.</summary>
/// <param name="Object">Index of the object that covers it, the inside of an outline included; −1 for none.</param>
/// <param name="Ink">The object's colour is there: anywhere on a filled object, near the edge of an outlined one.</param>
/// <param name="OffsetX">From the object's centre, in halves of its width: −1 left end, 1 right end.</param>
/// <param name="OffsetY">From the object's centre, in halves of its height: −1 top, 1 bottom.</param>
/// <param name="Glyph">Index of the character whose box covers it; −1 for none.</param>
internal readonly record struct PointTruth(int Object, bool Ink, float OffsetX, float OffsetY, int Glyph)
{
    /// <summary>Nothing but background.</summary>
    public static PointTruth Nothing { get; } = new(-1, false, 0, 0, -1);
}

/// <summary>
/// The truth about every point of a scene, for the tower's dense labels. Prepared once per scene; then many threads may ask.
/// </summary>
internal sealed class SceneTruth
{
    private readonly Scene _scene;
    private readonly IReadOnlyList<ScenePoint>[] _edges;

    /// <summary>Prepares the edges of a scene's objects.</summary>
    public SceneTruth(Scene scene)
    {
        _scene = scene;
        _edges = [.. scene.Objects.Select(EdgeOf)];
    }

    /// <summary>The edge of an object: as drawn, or the plain form of its shape.</summary>
    public static IReadOnlyList<ScenePoint> EdgeOf(SceneObject drawn) => drawn.Edge.Count > 0
        ? drawn.Edge
        : ShapeEdge.Placed(ShapeEdge.Plain(drawn.Shape), drawn.CentreX, drawn.CentreY, drawn.Width, drawn.Height);

    /// <summary>What covers a point, given in the picture's pixels (the middle of the first pixel is ½, ½).</summary>
    public PointTruth At(float x, float y)
    {
        for (var i = 0; i < _edges.Length; i++)
        {
            var drawn = _scene.Objects[i];
            if (drawn.Box.Holds(x, y) && Inside(_edges[i], x, y))
            {
                var stroke = drawn.Stroke > 0 ? drawn.Stroke : 0.12f * Math.Min(drawn.Width, drawn.Height);
                var ink = drawn.Filled || Distance(_edges[i], x, y) <= stroke;
                return new PointTruth(i, ink, (x - drawn.CentreX) * 2 / drawn.Width, (y - drawn.CentreY) * 2 / drawn.Height, -1);
            }
        }

        return GlyphAt(x, y) is var glyph and >= 0 ? PointTruth.Nothing with { Glyph = glyph } : PointTruth.Nothing;
    }

    /// <summary>Index of the character whose box covers a point; −1 for none.</summary>
    public int GlyphAt(float x, float y)
    {
        if (_scene.Text is not { } text)
        {
            return -1;
        }

        for (var i = 0; i < text.Glyphs.Count; i++)
        {
            var box = text.Glyphs[i];
            if (x >= box.Left && x < box.Right && y >= box.Top && y < box.Bottom)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Even-odd rule: a ray to the right crosses the edge an odd number of times.</summary>
    private static bool Inside(IReadOnlyList<ScenePoint> edge, float x, float y)
    {
        var inside = false;
        var last = edge[^1];
        for (var i = 0; i < edge.Count; i++)
        {
            var corner = edge[i];
            if (corner.Y > y != last.Y > y && x < ((last.X - corner.X) * (y - corner.Y) / (last.Y - corner.Y)) + corner.X)
            {
                inside = !inside;
            }

            last = corner;
        }

        return inside;
    }

    private static float Distance(IReadOnlyList<ScenePoint> edge, float x, float y)
    {
        var least = float.MaxValue;
        var last = edge[^1];
        for (var i = 0; i < edge.Count; i++)
        {
            var corner = edge[i];
            float alongX = corner.X - last.X, alongY = corner.Y - last.Y, length = (alongX * alongX) + (alongY * alongY);
            var t = length > 0 ? Math.Clamp((((x - last.X) * alongX) + ((y - last.Y) * alongY)) / length, 0, 1) : 0;
            float awayX = x - last.X - (t * alongX), awayY = y - last.Y - (t * alongY);
            least = Math.Min(least, (awayX * awayX) + (awayY * awayY));
            last = corner;
        }

        return MathF.Sqrt(least);
    }
}
