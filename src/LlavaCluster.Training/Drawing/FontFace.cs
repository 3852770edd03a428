using SkiaSharp;

namespace LlavaCluster.Training.Drawing;

/// <summary>
/// One cut of a family: its file opened, and the measures of the 36 characters that words are made of. Many threads may read
/// it.
/// </summary>
internal sealed class FontFace
{
    /// <summary>The characters of words.</summary>
    public const string Characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    private const float MeasuredSize = 1000;

    private readonly SKRect[] _ink;
    private readonly float[] _advance;

    private FontFace(SKTypeface typeface, SKRect[] ink, float[] advance) => (Typeface, _ink, _advance) = (typeface, ink, advance);

    /// <summary>The opened font; lives as long as the shelf.</summary>
    public SKTypeface Typeface { get; }

    /// <summary>Family as the file names it.</summary>
    public string Family => Typeface.FamilyName;

    /// <summary>Slanted.</summary>
    public bool Italic => Typeface.FontSlant != SKFontStyleSlant.Upright;

    /// <summary>Height of the capitals at size 1.</summary>
    public float CapHeight => Ink('H').Height;

    /// <summary>Opens a font file; null when its letters are not those of a plain Latin text face.</summary>
    public static FontFace? TryOpen(string path)
    {
        var typeface = SKTypeface.FromFile(path);
        if (typeface is null)
        {
            return null;
        }

        using var font = new SKFont(typeface, MeasuredSize) { Hinting = SKFontHinting.None, LinearMetrics = true, Subpixel = true };
        var glyphs = typeface.GetGlyphs(Characters);
        if (typeface.FontWeight is >= 300 and <= 900
            && glyphs.Length == Characters.Length
            && glyphs.Distinct().Count() == glyphs.Length
            && !glyphs.Contains((ushort)0))
        {
            var advance = font.GetGlyphWidths(glyphs, out var ink);
            if (Plain(ink, advance))
            {
                return new FontFace(typeface, ink, advance);
            }
        }

        typeface.Dispose();
        return null;
    }

    /// <summary>Box of a character's ink around its origin on the baseline, at size 1; y downwards.</summary>
    public SKRect Ink(char character)
    {
        var ink = _ink[Characters.IndexOf(character)];
        return new SKRect(ink.Left / MeasuredSize, ink.Top / MeasuredSize, ink.Right / MeasuredSize, ink.Bottom / MeasuredSize);
    }

    /// <summary>From a character's origin to the next one's, at size 1.</summary>
    public float Advance(char character) => _advance[Characters.IndexOf(character)] / MeasuredSize;

    /// <summary>
    /// Characters stand on one line and are as tall as the capitals (no old-style figures, no small caps, no script swashes),
    /// and no two share a box and advance (a font that shows one sign for all).
    /// </summary>
    private static bool Plain(SKRect[] ink, float[] advance)
    {
        var capital = ink[Characters.IndexOf('H')];
        return capital.Height > 300
            && ink.Index().All(i => i.Item.Width > 0
                && Math.Abs(i.Item.Top - capital.Top) < 0.12 * capital.Height
                && (Math.Abs(i.Item.Bottom) < 0.12 * capital.Height || Characters[i.Index] is 'Q' or 'J')
                && i.Item.Bottom < 0.4 * capital.Height)
            && ink.Select((box, i) => (box, advance[i])).Distinct().Count() > 20;
    }
}
