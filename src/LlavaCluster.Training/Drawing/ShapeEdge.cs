namespace LlavaCluster.Training.Drawing;

/// <summary>
/// The edges of the six shapes as polygons in the box −½…½, y downwards. What is painted and what is true come from the same
/// polygon.
/// </summary>
internal static class ShapeEdge
{
    private const int CircleCorners = 96;

    /// <summary>The plain form of a shape.</summary>
    public static ScenePoint[] Plain(SceneShape shape) => FillBox(Corners(shape, 0.5, 0.4, 0.34));

    /// <summary>
    /// A form of a shape as somebody might draw it: other proportions, perhaps a little tilted, perhaps by a shaking hand.
    /// </summary>
    /// <param name="shape">The shape.</param>
    /// <param name="hollow">It will be an outline, so its parts must not be thin.</param>
    /// <param name="tilt">Turn clockwise, radians.</param>
    /// <param name="shake">How far the edge strays, share of the box.</param>
    /// <param name="chance">Decides the proportions and the straying.</param>
    public static ScenePoint[] Drawn(SceneShape shape, bool hollow, double tilt, double shake, Chance chance)
    {
        var corners = Corners(
            shape,
            tip: chance.Flip(0.15) ? chance.Between(0.25, 0.75) : 0.5,
            starInner: chance.Between(0.36, 0.52),
            arm: chance.Between(hollow ? 0.24 : 0.16, 0.44));
        if (shake > 0)
        {
            corners = Shaken(Divided(corners), shake, chance);
        }

        if (tilt != 0)
        {
            var (sine, cosine) = MathF.SinCos((float)tilt);
            corners = [.. corners.Select(c => new ScenePoint((c.X * cosine) - (c.Y * sine), (c.X * sine) + (c.Y * cosine)))];
        }

        return FillBox(corners);
    }

    /// <summary>A polygon of the box −½…½ placed in an object's box.</summary>
    public static ScenePoint[] Placed(IReadOnlyList<ScenePoint> edge, float centreX, float centreY, float width, float height) =>
        [.. edge.Select(p => new ScenePoint(centreX + (p.X * width), centreY + (p.Y * height)))];

    private static ScenePoint[] Corners(SceneShape shape, double tip, double starInner, double arm) => shape switch
    {
        SceneShape.Circle => Ring(CircleCorners, _ => 0.5),
        SceneShape.Square => Of((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)),
        SceneShape.Triangle => Of((tip - 0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)),
        SceneShape.Star => Ring(10, i => i % 2 == 0 ? 0.5 : 0.5 * starInner),
        SceneShape.Diamond => Of((0, -0.5), (0.5, 0), (0, 0.5), (-0.5, 0)),
        SceneShape.Cross => Cross(arm / 2),
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, null),
    };

    private static ScenePoint[] Cross(double a) => Of(
        (-a, -0.5), (a, -0.5), (a, -a), (0.5, -a), (0.5, a), (a, a), (a, 0.5), (-a, 0.5), (-a, a), (-0.5, a), (-0.5, -a), (-a, -a));

    /// <summary>Corners around the middle, the first at the top.</summary>
    private static ScenePoint[] Ring(int corners, Func<int, double> radius) =>
        [.. Enumerable.Range(0, corners).Select(i =>
        {
            var (sine, cosine) = Math.SinCos(2 * Math.PI * i / corners);
            return new ScenePoint((float)(radius(i) * sine), (float)(-radius(i) * cosine));
        })];

    private static ScenePoint[] Of(params (double X, double Y)[] corners) =>
        [.. corners.Select(c => new ScenePoint((float)c.X, (float)c.Y))];

    /// <summary>More corners on long edges, so that these can bend.</summary>
    private static ScenePoint[] Divided(ScenePoint[] corners)
    {
        var divided = new List<ScenePoint>();
        for (var i = 0; i < corners.Length; i++)
        {
            ScenePoint from = corners[i], to = corners[(i + 1) % corners.Length];
            var pieces = Math.Max(1, (int)(Math.Sqrt(Squared(to.X - from.X) + Squared(to.Y - from.Y)) / 0.08));
            for (var piece = 0; piece < pieces; piece++)
            {
                var t = (float)piece / pieces;
                divided.Add(new ScenePoint(from.X + ((to.X - from.X) * t), from.Y + ((to.Y - from.Y) * t)));
            }
        }

        return [.. divided];
    }

    /// <summary>Two slow waves across the box move every corner: neighbours move alike, as a hand does.</summary>
    private static ScenePoint[] Shaken(ScenePoint[] corners, double shake, Chance chance)
    {
        var waves = Enumerable.Range(0, 4)
            .Select(_ => (X: chance.Between(-9, 9), Y: chance.Between(-9, 9), Phase: chance.Between(0, 2 * Math.PI)))
            .ToArray();
        double Wave(int i, ScenePoint p) => Math.Sin((waves[i].X * p.X) + (waves[i].Y * p.Y) + waves[i].Phase);
        return [.. corners.Select(p => new ScenePoint(
            (float)(p.X + (shake * (Wave(0, p) + Wave(1, p)) / 2)), (float)(p.Y + (shake * (Wave(2, p) + Wave(3, p)) / 2))))];
    }

    private static ScenePoint[] FillBox(ScenePoint[] corners)
    {
        float left = corners.Min(c => c.X), width = corners.Max(c => c.X) - left;
        float top = corners.Min(c => c.Y), height = corners.Max(c => c.Y) - top;
        return [.. corners.Select(c => new ScenePoint(((c.X - left) / width) - 0.5f, ((c.Y - top) / height) - 0.5f))];
    }

    private static double Squared(double value) => value * value;
}
