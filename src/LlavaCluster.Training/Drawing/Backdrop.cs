using SkiaSharp;

namespace LlavaCluster.Training.Drawing;

/// <summary>What stands behind the objects: one colour, or a gradient of two, and perhaps noise.</summary>
/// <param name="From">Colour at the start of the gradient.</param>
/// <param name="To">Colour at its end; equal to the first for a plain backdrop.</param>
/// <param name="Turn">Direction of the gradient, radians; NaN for rings around the middle.</param>
/// <param name="Grain">Standard deviation of the noise of single pixels, 0–255.</param>
/// <param name="Blotch">Largest change by broad blotches, 0–255.</param>
internal sealed record Backdrop(SKColor From, SKColor To, double Turn, double Grain, double Blotch)
{
    private const double ObjectContrast = 26;
    private const double TextContrast = 42;
    private const int Tries = 60;

    /// <summary>
    /// A backdrop of chance on which all the given colours stand out, and, where wanted, black or white text as well.
    /// </summary>
    public static Backdrop For(IReadOnlyList<SKColor> objects, bool withText, Chance chance)
    {
        var labs = objects.Select(Lab.Of).ToArray();
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var backdrop = OfChance(chance);
            if (backdrop.Shows(labs, withText))
            {
                return backdrop;
            }
        }

        var plain = FarthestFrom(labs);
        return new Backdrop(plain, plain, 0, 0, 0);
    }

    /// <summary>A colour for text that can be read anywhere on this backdrop.</summary>
    public SKColor Ink(Chance chance)
    {
        var samples = Samples();
        for (var attempt = 0; attempt < 12; attempt++)
        {
            var ink = chance.Below(4) switch
            {
                0 => SKColors.Black,
                1 => SKColors.White,
                2 => Shades.Hsv(chance, (0, 360), (0, 1), (0, 0.5)),
                _ => Shades.Hsv(chance, (0, 360), (0, 1), (0.4, 1)),
            };
            if (Readable(ink, samples))
            {
                return ink;
            }
        }

        return Gap(SKColors.Black, samples) > Gap(SKColors.White, samples) ? SKColors.Black : SKColors.White;
    }

    /// <summary>Paints the whole bitmap.</summary>
    public void Paint(SKCanvas canvas, SKBitmap bitmap, Chance chance)
    {
        if (From == To)
        {
            canvas.Clear(From);
        }
        else
        {
            using var shader = Gradient(bitmap.Width, bitmap.Height);
            using var paint = new SKPaint { Shader = shader };
            canvas.DrawPaint(paint);
        }

        if (Blotch > 0)
        {
            PaintBlotches(canvas, bitmap, chance);
        }

        if (Grain > 0)
        {
            canvas.Flush();
            PixelNoise.Add(bitmap, Grain, chance);
        }
    }

    private static Backdrop OfChance(Chance chance)
    {
        var from = BaseColour(chance);
        var kind = chance.Weighted([0.55, 0.25, 0.2]);
        var to = kind == 1 ? (chance.Flip(0.4) ? BaseColour(chance) : Near(from, chance)) : from;
        var grain = kind == 2 || chance.Flip(0.08) ? chance.Between(2, 14) : 0;
        var blotch = kind == 2 && chance.Flip(0.4) ? chance.Between(6, 24) : 0;
        return new Backdrop(from, to, chance.Flip(0.75) ? chance.Between(0, 2 * Math.PI) : double.NaN, grain, blotch);
    }

    private static SKColor BaseColour(Chance chance) => chance.Weighted([0.3, 0.16, 0.12, 0.14, 0.16, 0.08, 0.04]) switch
    {
        0 => SKColors.White,
        1 => Shades.Hsv(chance, (0, 360), (0, 0.3), (0.85, 1)),
        2 => Shades.Hsv(chance, (0, 360), (0, 0.06), (0.3, 0.9)),
        3 => Shades.Hsv(chance, (0, 360), (0.1, 0.6), (0.35, 0.95)),
        4 => Shades.Hsv(chance, (0, 360), (0, 0.8), (0.05, 0.4)),
        5 => Shades.Hsv(chance, (0, 360), (0.6, 1), (0.6, 1)),
        _ => SKColors.Black,
    };

    private static SKColor Near(SKColor colour, Chance chance)
    {
        byte Moved(byte value) => (byte)Math.Clamp(value + chance.Between(-70, 70), 0, 255);
        return new SKColor(Moved(colour.Red), Moved(colour.Green), Moved(colour.Blue));
    }

    /// <summary>The colour of a coarse lattice whose nearest object colour is farthest away.</summary>
    private static SKColor FarthestFrom(Lab[] labs)
    {
        byte[] levels = [0, 48, 96, 128, 160, 208, 255];
        var lattice = from r in levels
                      from g in levels
                      from b in levels
                      select new SKColor(r, g, b);
        return labs.Length == 0 ? SKColors.White : lattice.MaxBy(colour => labs.Min(Lab.Of(colour).DistanceTo));
    }

    private bool Shows(Lab[] objects, bool withText)
    {
        var samples = Samples();
        return samples.All(sample => objects.All(o => o.DistanceTo(sample) >= ObjectContrast))
            && (!withText || Readable(SKColors.Black, samples) || Readable(SKColors.White, samples));
    }

    private static bool Readable(SKColor ink, Lab[] samples) => Gap(ink, samples) >= TextContrast;

    private static double Gap(SKColor ink, Lab[] samples)
    {
        var lightness = Lab.Of(ink).Lightness;
        return samples.Min(sample => Math.Abs(sample.Lightness - lightness));
    }

    /// <summary>The backdrop's colours, blotches at their largest included; the grain is so fine that it changes no mean.</summary>
    private Lab[] Samples()
    {
        var steps = From == To ? 1 : 5;
        var samples = new List<Lab>();
        for (var step = 0; step < steps; step++)
        {
            var t = steps == 1 ? 0 : (double)step / (steps - 1);
            foreach (var change in Blotch > 0 ? [-Blotch, Blotch] : new[] { 0.0 })
            {
                byte At(byte from, byte to) => (byte)Math.Clamp(from + (t * (to - from)) + change, 0, 255);
                samples.Add(Lab.Of(new SKColor(At(From.Red, To.Red), At(From.Green, To.Green), At(From.Blue, To.Blue))));
            }
        }

        return [.. samples];
    }

    private SKShader Gradient(int width, int height)
    {
        var centre = new SKPoint(width / 2f, height / 2f);
        var reach = MathF.Sqrt((width * width) + (height * height)) / 2;
        if (double.IsNaN(Turn))
        {
            return SKShader.CreateRadialGradient(centre, reach, [From, To], SKShaderTileMode.Clamp);
        }

        var along = new SKPoint((float)Math.Cos(Turn) * reach, (float)Math.Sin(Turn) * reach);
        return SKShader.CreateLinearGradient(centre - along, centre + along, [From, To], SKShaderTileMode.Clamp);
    }

    /// <summary>
    /// A few pixels of grey chance, stretched smoothly over the whole picture, half of them lightening, half darkening.
    /// </summary>
    private void PaintBlotches(SKCanvas canvas, SKBitmap bitmap, Chance chance)
    {
        using var coarse = new SKBitmap(
            new SKImageInfo(chance.Below(6) + 3, chance.Below(6) + 3, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        for (var y = 0; y < coarse.Height; y++)
        {
            for (var x = 0; x < coarse.Width; x++)
            {
                var change = chance.Between(-Blotch, Blotch);
                var level = (byte)(change < 0 ? 0 : 255);
                coarse.SetPixel(x, y, new SKColor(level, level, level, (byte)Math.Abs(change)));
            }
        }

        using var image = SKImage.FromBitmap(coarse);
        canvas.DrawImage(image, new SKRect(0, 0, bitmap.Width, bitmap.Height), new SKSamplingOptions(SKFilterMode.Linear));
    }
}
