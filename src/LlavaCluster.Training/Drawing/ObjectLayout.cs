namespace LlavaCluster.Training.Drawing;

/// <summary>
/// Places objects on a picture so that none touches another or the word. Every ninth of the picture is as likely.
/// </summary>
internal sealed class ObjectLayout(SceneMix mix, int width, int height, SceneText? text, DrawingStyle style)
{
    private const int TriesPerObject = 8;

    /// <summary>Least size on the canvas, pixels: below it shapes cannot be told apart; an outline needs more.</summary>
    private const double LeastOnCanvas = 14, LeastOutlineOnCanvas = 26;

    private readonly double _canvas = ReadingSize.Of(1, width, height, mix).Canvas;

    /// <summary>All objects, or null when there was no room.</summary>
    /// <param name="kinds">Their shapes and colours.</param>
    /// <param name="shrink">Their largest size is this share of the mix's.</param>
    /// <param name="chance">Decides places and sizes.</param>
    public IReadOnlyList<SceneObject>? TryPlace((SceneShape Shape, SceneColour Colour)[] kinds, double shrink, Chance chance)
    {
        var placed = new List<SceneObject>();
        var large = kinds.Length == 1 && chance.Flip(0.25);
        foreach (var (shape, colour) in kinds)
        {
            SceneObject? free = null;
            for (var attempt = 0; attempt < TriesPerObject && free is null; attempt++)
            {
                var proposed = Propose(shape, colour, shrink, large, chance);
                free = proposed is not null && IsFree(proposed, placed) ? proposed : null;
            }

            if (free is null)
            {
                return null;
            }

            placed.Add(free);
        }

        return placed;
    }

    private SceneObject? Propose(SceneShape shape, SceneColour colour, double shrink, bool large, Chance chance)
    {
        // 1. A ninth of the picture, and a point of it that mostly keeps off its borders with the neighbours.
        int column = large ? 1 : chance.Below(3), row = large ? 1 : chance.Below(3);
        double x = width * Coordinate(column, chance), y = height * Coordinate(row, chance);

        // 2. The largest box around that point within the picture, and a size up to it.
        var (wide, tall) = Proportions(shape, chance);
        double shorter = Math.Min(width, height), edge = 0.01 * shorter;
        var room = 2 * Math.Min((Math.Min(x, width - x) - edge) / wide, (Math.Min(y, height - y) - edge) / tall);
        var least = Math.Max(mix.MinObjectSize * shorter, LeastOnCanvas / _canvas);
        var most = Math.Min(room, Math.Max(least, mix.MaxObjectSize * shorter * (large ? 1 : shrink)));
        if (most < least)
        {
            return null;
        }

        var from = large ? Math.Max(least, 0.5 * most * shrink) : least;
        var size = chance.Flip(0.6) ? chance.LogBetween(from, most) : chance.Between(from, most);
        var filled = size * _canvas < LeastOutlineOnCanvas || !chance.Flip(style.OutlineShare);
        var tilt = chance.Between(-style.Tilt, style.Tilt);
        float w = (float)(size * wide), h = (float)(size * tall);
        return new SceneObject(shape, colour, filled, (float)x, (float)y, w, h)
        {
            Edge = ShapeEdge.Placed(ShapeEdge.Drawn(shape, !filled, tilt, style.Shake, chance), (float)x, (float)y, w, h),
            Stroke = filled ? 0 : (float)Math.Max(Math.Min(w, h) * Thickness(shape, chance), 2.2 / _canvas),
        };
    }

    /// <summary>Width and height of an object, the longer one 1.</summary>
    private static (double Wide, double Tall) Proportions(SceneShape shape, Chance chance) => shape switch
    {
        SceneShape.Diamond when chance.Flip(0.85) => (chance.Between(0.62, 1), 1),
        SceneShape.Diamond => (1, chance.Between(0.62, 1)),
        SceneShape.Triangle when chance.Flip(0.75) => (1, chance.Between(0.75, 1)),
        SceneShape.Triangle => (chance.Between(0.75, 1), 1),
        _ => (1, 1),
    };

    /// <summary>A coordinate in a third of 0…1; mostly off the thirds' borders.</summary>
    private static double Coordinate(int third, Chance chance)
    {
        var gap = chance.Flip(0.85) ? 0.045 : 0;
        return third switch
        {
            0 => chance.Between(0.05, (1 / 3.0) - gap),
            1 => chance.Between((1 / 3.0) + gap, (2 / 3.0) - gap),
            _ => chance.Between((2 / 3.0) + gap, 0.95),
        };
    }

    /// <summary>Of an outline, share of the object's size: thin parts of a shape must stay hollow.</summary>
    private static double Thickness(SceneShape shape, Chance chance) => shape switch
    {
        SceneShape.Cross => chance.Between(0.035, 0.08),
        SceneShape.Star or SceneShape.Triangle or SceneShape.Diamond => chance.Between(0.04, 0.11),
        _ => chance.Between(0.05, 0.18),
    };

    private bool IsFree(SceneObject proposed, List<SceneObject> placed)
    {
        var gap = Math.Max(0.02f * Math.Min(width, height), (float)(4 / _canvas));
        return (text is null || !proposed.Box.IsWithin(gap, text.Box)) && !placed.Any(other => proposed.Box.IsWithin(gap, other.Box));
    }
}
