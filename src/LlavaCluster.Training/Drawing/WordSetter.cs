using SkiaSharp;

namespace LlavaCluster.Training.Drawing;

/// <summary>Sets words in a font: origins of the characters, and the boxes of their ink.</summary>
internal static class WordSetter
{
    /// <summary>Width of a word's ink, in heights of the capitals.</summary>
    /// <param name="face">The font.</param>
    /// <param name="word">The word.</param>
    /// <param name="spacing">Extra space between characters, share of the font's size.</param>
    public static float WidthInCapitals(FontFace face, string word, float spacing)
    {
        var width = -face.Ink(word[0]).Left + face.Ink(word[^1]).Right;
        for (var i = 0; i + 1 < word.Length; i++)
        {
            width += face.Advance(word[i]) + spacing;
        }

        return width / face.CapHeight;
    }

    /// <summary>
    /// A word whose capitals have a height and whose ink starts at a point (left end, top of the capitals), turned around its
    /// middle.
    /// </summary>
    public static (SceneText Text, SetWord Word) Set(
        FontFace face, string word, float height, float spacing, SKPoint start, float turn, SKColor colour)
    {
        var size = height / face.CapHeight;
        var origins = new SKPoint[word.Length];
        var boxes = new SKRect[word.Length];
        var pen = start.X - (face.Ink(word[0]).Left * size);
        for (var i = 0; i < word.Length; i++)
        {
            origins[i] = new SKPoint(pen, start.Y + height);
            var ink = face.Ink(word[i]);
            boxes[i] = new SKRect(ink.Left * size, ink.Top * size, ink.Right * size, ink.Bottom * size);
            boxes[i].Offset(origins[i]);
            pen += (face.Advance(word[i]) + spacing) * size;
        }

        var middle = new SKPoint((boxes[0].Left + boxes[^1].Right) / 2, start.Y + (height / 2));
        var turned = SKMatrix.CreateRotationDegrees(turn, middle.X, middle.Y);
        var glyphs = word.Select((character, i) =>
        {
            var box = turned.MapRect(boxes[i]);
            return new GlyphBox(character, box.Left, box.Top, box.Right, box.Bottom);
        });
        return (new SceneText(word, [.. glyphs], height), new SetWord(face, size, origins, turn, middle, colour));
    }
}
