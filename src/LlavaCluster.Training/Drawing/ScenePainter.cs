using SkiaSharp;

namespace LlavaCluster.Training.Drawing;

/// <summary>Paints compositions. Many threads may paint.</summary>
internal static class ScenePainter
{
    /// <summary>
    /// A bitmap (RGBA, four bytes per pixel) of a composition, painted in the given size, which may be another than the
    /// scene's; the caller disposes it.
    /// </summary>
    public static SKBitmap Paint(Composition composition, int width, int height, Chance chance)
    {
        var scene = composition.Scene;
        var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        composition.Backdrop.Paint(canvas, bitmap, chance);
        canvas.Scale((float)width / scene.Width, (float)height / scene.Height);
        for (var i = 0; i < scene.Objects.Count; i++)
        {
            PaintObject(canvas, scene.Objects[i], composition.Colours[i], composition.Borders[i], composition.Smooth);
        }

        if (composition.Word is { } word)
        {
            PaintWord(canvas, scene.Text!.Value, word, composition.Smooth, chance);
        }

        canvas.Flush();
        return bitmap;
    }

    /// <summary>
    /// An outline is stroked twice as thick and clipped to the shape, so that its ink ends at the edge, sharp tips included.
    /// </summary>
    private static void PaintObject(SKCanvas canvas, SceneObject drawn, SKColor colour, SKColor? border, bool smooth)
    {
        using var path = new SKPath();
        path.AddPoly([.. drawn.Edge.Select(p => new SKPoint(p.X, p.Y))]);
        using var paint = new SKPaint { Color = colour, IsAntialias = smooth };
        if (drawn.Filled)
        {
            canvas.DrawPath(path, paint);
        }

        if (!drawn.Filled || border is not null)
        {
            canvas.Save();
            canvas.ClipPath(path, SKClipOperation.Intersect, smooth);
            paint.Style = SKPaintStyle.Stroke;
            paint.Color = border ?? colour;
            paint.StrokeWidth = border is null ? 2 * drawn.Stroke : 0.04f * Math.Min(drawn.Width, drawn.Height);
            canvas.DrawPath(path, paint);
            canvas.Restore();
        }
    }

    internal static void PaintWord(SKCanvas canvas, string value, SetWord word, bool smooth, Chance chance)
    {
        using var font = new SKFont(word.Face.Typeface, word.Size)
        {
            Subpixel = smooth,
            Hinting = chance.Pick([SKFontHinting.None, SKFontHinting.Slight, SKFontHinting.Normal]),

            // Letters of few pixels need the grey of smooth edges; programs that draw without it draw them larger.
            Edging = smooth || word.Size * canvas.TotalMatrix.ScaleX < 20 ? SKFontEdging.Antialias : SKFontEdging.Alias,
        };
        using var blob = SKTextBlob.CreatePositioned(value, font, word.Origins);
        using var paint = new SKPaint { Color = word.Colour, IsAntialias = smooth };
        canvas.RotateDegrees(word.Turn, word.Middle.X, word.Middle.Y);
        canvas.DrawText(blob, 0, 0, paint);
    }
}
