using SkiaSharp;

namespace LlavaCluster.Training.Drawing;

/// <summary>A colour as the eye takes it (CIE L*a*b*, D65): equal distances look equally different.</summary>
internal readonly record struct Lab(double Lightness, double A, double B)
{
    /// <summary>Of an sRGB colour; formulas of CIE 15.</summary>
    public static Lab Of(SKColor colour)
    {
        double r = Linear(colour.Red), g = Linear(colour.Green), b = Linear(colour.Blue);
        var x = Root(((0.4124564 * r) + (0.3575761 * g) + (0.1804375 * b)) / 0.95047);
        var y = Root((0.2126729 * r) + (0.7151522 * g) + (0.0721750 * b));
        var z = Root(((0.0193339 * r) + (0.1191920 * g) + (0.9503041 * b)) / 1.08883);
        return new Lab((116 * y) - 16, 500 * (x - y), 200 * (y - z));
    }

    /// <summary>How different two colours look; about 2 is just visible, black and white are 100 apart.</summary>
    public double DistanceTo(Lab other)
    {
        double lightness = Lightness - other.Lightness, a = A - other.A, b = B - other.B;
        return Math.Sqrt((lightness * lightness) + (a * a) + (b * b));
    }

    private static double Linear(byte value) =>
        value <= 10 ? value / 255.0 / 12.92 : Math.Pow(((value / 255.0) + 0.055) / 1.055, 2.4);

    private static double Root(double value) => value > 0.008856 ? Math.Cbrt(value) : (7.787 * value) + (16.0 / 116);
}
