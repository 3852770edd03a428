using SkiaSharp;

namespace LlavaCluster.Training.Drawing;

/// <summary>The shades that people call by each of the eight colour names; no shade could be called by two.</summary>
internal static class Shades
{
    /// <summary>What paint programs and style sheets call by the name; the first is the pure one.</summary>
    private static readonly Dictionary<SceneColour, SKColor[]> Known = new()
    {
        [SceneColour.Red] = Of(0xFF0000, 0xDC143C, 0xE60000, 0xCC0000, 0xED1C24, 0xB22222, 0xE53935, 0xD62728),
        [SceneColour.Green] = Of(0x00FF00, 0x008000, 0x00A000, 0x22B14C, 0x228B22, 0x32CD32, 0x2CA02C, 0x00C800, 0x4CAF50),
        [SceneColour.Blue] = Of(0x0000FF, 0x0000CD, 0x1E90FF, 0x3F48CC, 0x4169E1, 0x000080, 0x1F77B4, 0x2196F3),
        [SceneColour.Yellow] = Of(0xFFFF00, 0xFFEB3B, 0xFFF200, 0xFFD700, 0xFFE600, 0xF0E000),
        [SceneColour.Orange] = Of(0xFFA500, 0xFF8C00, 0xFF7F00, 0xFF7F27, 0xFF9800, 0xF58220),
        [SceneColour.Purple] = Of(0x800080, 0x8000FF, 0xA020F0, 0xA349A4, 0x9400D3, 0x6A0DAD, 0x9C27B0, 0x4B0082),
        [SceneColour.Black] = Of(0x000000, 0x141414, 0x1C1C1C),
        [SceneColour.White] = Of(0xFFFFFF, 0xFAFAFA, 0xF5F5F5),
    };

    /// <summary>A shade of a colour.</summary>
    /// <param name="colour">Its name.</param>
    /// <param name="pure">The shade that a paint program's palette has for it.</param>
    /// <param name="chance">Decides the shade.</param>
    public static SKColor Of(SceneColour colour, bool pure, Chance chance)
    {
        if (pure)
        {
            // Pure green and the web's green are both what a palette offers.
            return colour == SceneColour.Green ? Known[colour][chance.Below(2)] : Known[colour][0];
        }

        if (chance.Flip(0.35))
        {
            return chance.Pick(Known[colour]);
        }

        return colour switch
        {
            SceneColour.Red => Hsv(chance, (-12, 8), (0.78, 1), (0.68, 1)),
            SceneColour.Green => Hsv(chance, (98, 148), (0.6, 1), (0.42, 0.95)),
            SceneColour.Blue => Hsv(chance, (207, 244), (0.68, 1), (0.5, 1)),
            SceneColour.Yellow => Hsv(chance, (51, 61), (0.72, 1), (0.9, 1)),
            SceneColour.Orange => Hsv(chance, (23, 38), (0.85, 1), (0.92, 1)),
            SceneColour.Purple => Hsv(chance, (270, 302), (0.55, 1), (0.45, 0.78)),
            SceneColour.Black => Hsv(chance, (0, 360), (0, 0.4), (0, 0.13)),
            _ => Hsv(chance, (0, 360), (0, 0.03), (0.95, 1)),
        };
    }

    /// <summary>Any colour of a range of hues (degrees), saturations and values.</summary>
    public static SKColor Hsv(
        Chance chance, (double Low, double High) hue, (double Low, double High) saturation, (double Low, double High) value) =>
        SKColor.FromHsv(
            (float)((chance.Between(hue.Low, hue.High) + 360) % 360),
            (float)(100 * chance.Between(saturation.Low, saturation.High)),
            (float)(100 * chance.Between(value.Low, value.High)));

    private static SKColor[] Of(params uint[] rgb) => [.. rgb.Select(c => new SKColor(0xFF000000 | c))];
}
