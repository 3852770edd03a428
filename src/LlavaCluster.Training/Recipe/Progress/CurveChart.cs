using System.Globalization;
using SkiaSharp;

namespace LlavaCluster.Training.Recipe.Progress;

/// <summary>Draws a run's log: loss above, held-out accuracy below, over minutes, the phases one after the other.</summary>
internal static class CurveChart
{
    private const int Width = 1200;
    private const int Panel = 340;
    private const int Margin = 48;
    private const int Legend = 190;

    private static readonly SKColor[] Colours =
    [
        new(0x1F, 0x77, 0xB4), new(0xD6, 0x27, 0x28), new(0x2C, 0xA0, 0x2C), new(0xFF, 0x7F, 0x0E), new(0x94, 0x67, 0xBD), new(0x8C, 0x56, 0x4B),
        new(0xE3, 0x77, 0xC2), new(0x7F, 0x7F, 0x7F), new(0xBC, 0xBD, 0x22), new(0x17, 0xBE, 0xCF), new(0x00, 0x3F, 0x5C), new(0xA0, 0x52, 0x2D),
    ];

    /// <summary>Writes the picture (PNG); nothing where the log has fewer than two lines.</summary>
    public static void Write(string path, IReadOnlyList<LogEntry> log)
    {
        if (log.Count < 2)
        {
            return;
        }

        using var bitmap = new SKBitmap(Width, (2 * Panel) + (3 * Margin));
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        var minutes = Minutes(log);
        var end = Math.Max(1e-3, minutes[^1]);
        double most = log.Max(e => e.Loss), least = Math.Max(1e-3, log.Min(e => e.Loss));
        using var font = new SKFont(SKTypeface.Default, 13);
        var top = new Frame(Margin, 0, end, Math.Log10(least), Math.Log10(Math.Max(most, least * 1.01)));
        top.DrawAxes(canvas, font, "loss", value => Math.Pow(10, value).ToString("G2", CultureInfo.InvariantCulture));
        foreach (var phase in log.Select((entry, i) => (entry, i)).GroupBy(e => e.entry.Phase))
        {
            top.DrawLine(canvas, Colours[0], [.. phase.Select(e => (minutes[e.i], Math.Log10(Math.Max(least, e.entry.Loss))))]);
            canvas.DrawText(phase.Key, top.X(minutes[phase.First().i]) + 4, Margin + 14, font, Ink(SKColors.Black));
        }

        var bottom = new Frame((2 * Margin) + Panel, 0, end, 0, 1);
        bottom.DrawAxes(canvas, font, "held-out accuracy", value => value.ToString("F1", CultureInfo.InvariantCulture));
        var kinds = log.Where(e => e.Score is not null).SelectMany(e => e.Score!.Keys).Distinct().Order(StringComparer.Ordinal).ToArray();
        for (var kind = 0; kind < kinds.Length; kind++)
        {
            var colour = Colours[kind % Colours.Length];
            foreach (var phase in log.Select((entry, i) => (entry, i)).Where(e => e.entry.Score?.ContainsKey(kinds[kind]) == true).GroupBy(e => e.entry.Phase))
            {
                bottom.DrawLine(canvas, colour, [.. phase.Select(e => (minutes[e.i], e.entry.Score![kinds[kind]]))]);
            }

            canvas.DrawText(kinds[kind], Width - Legend + 16, (2 * Margin) + Panel + 14 + (kind * 17), font, Ink(colour));
        }

        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(path, data.ToArray());
    }

    /// <summary>Minutes of training since the run began, phases one after the other.</summary>
    private static double[] Minutes(IReadOnlyList<LogEntry> log)
    {
        var before = 0.0;
        var minutes = new double[log.Count];
        for (var i = 0; i < log.Count; i++)
        {
            if (i > 0 && log[i].Phase != log[i - 1].Phase)
            {
                before += log[i - 1].Seconds;
            }

            minutes[i] = (before + log[i].Seconds) / 60;
        }

        return minutes;
    }

    private static SKPaint Ink(SKColor colour) => new() { Color = colour, IsAntialias = true, StrokeWidth = 1.6f, Style = SKPaintStyle.Fill };

    /// <summary>A panel and the ranges of its axes.</summary>
    private sealed record Frame(float Top, double FromX, double ToX, double FromY, double ToY)
    {
        public float X(double value) => (float)(Margin + ((Width - Margin - Legend) * (value - FromX) / (ToX - FromX)));

        public void DrawAxes(SKCanvas canvas, SKFont font, string title, Func<double, string> label)
        {
            using var grey = new SKPaint { Color = new SKColor(0xDD, 0xDD, 0xDD), StrokeWidth = 1 };
            using var black = Ink(SKColors.Black);
            canvas.DrawText(title, Margin, Top - 8, font, black);
            for (var i = 0; i <= 5; i++)
            {
                double y = FromY + ((ToY - FromY) * i / 5), x = FromX + ((ToX - FromX) * i / 5);
                canvas.DrawLine(Margin, Y(y), Width - Legend, Y(y), grey);
                canvas.DrawText(label(y), 6, Y(y) + 4, font, black);
                canvas.DrawText(x.ToString("F0", CultureInfo.InvariantCulture) + " min", X(x) - 12, Top + Panel + 16, font, black);
            }
        }

        public void DrawLine(SKCanvas canvas, SKColor colour, (double X, double Y)[] points)
        {
            using var paint = Ink(colour);
            paint.Style = SKPaintStyle.Stroke;
            using var path = new SKPath();
            path.AddPoly([.. points.Select(p => new SKPoint(X(p.X), Y(p.Y)))], close: false);
            canvas.DrawPath(path, paint);
        }

        private float Y(double value) => (float)(Top + (Panel * (1 - ((value - FromY) / (ToY - FromY)))));
    }
}
