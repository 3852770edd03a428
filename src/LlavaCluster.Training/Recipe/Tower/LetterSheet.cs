using LlavaCluster.Training.Drawing;
using SkiaSharp;

namespace LlavaCluster.Training.Recipe.Tower;

/// <summary>
/// Pictures full of words in all fonts, sizes and inks: a scene has one word, and from those alone a tower would see few letters in its
/// time. Backdrops, fonts and wear are those of scenes. Many threads may draw with one.
/// </summary>
internal sealed class LetterSheet(FontShelf fonts, SceneMix mix)
{
    private const int LeastSide = 100;
    private const int MostSide = 340;

    /// <summary>The sheet of a seed. Its truth is a scene whose text has the glyphs of all words.</summary>
    public DrawnPicture Draw(ulong seed)
    {
        var chance = new Chance(seed);
        int width = (int)chance.LogBetween(LeastSide, MostSide), height = (int)chance.LogBetween(LeastSide, MostSide);
        var canvas = ReadingSize.Of(1, width, height, mix).Canvas;
        var backdrop = Backdrop.For([], withText: true, chance);
        var words = new List<SetWord>();
        var texts = new List<SceneText>();
        SetWords(width, height, canvas, backdrop, chance, words, texts);
        var least = texts.Count == 0 ? mix.MaxGlyphHeight : texts.Min(text => text.Height);
        var scene = new Scene(width, height, [], new SceneText("", [.. texts.SelectMany(text => text.Glyphs)], (float)least));
        var wear = PictureWear.OfChance(scene, mix, chance.Fork());
        var bitmap = new SKBitmap(new SKImageInfo(
            (int)Math.Ceiling(width * wear.DrawnScale), (int)Math.Ceiling(height * wear.DrawnScale), SKColorType.Rgba8888, SKAlphaType.Opaque));
        Paint(bitmap, scene, backdrop, words, texts, chance);
        return new DrawnPicture(wear.Apply(bitmap, width, height, chance), scene);
    }

    /// <summary>Lines of words from top to bottom until the sheet is full.</summary>
    private void SetWords(
        int width, int height, double canvas, Backdrop backdrop, Chance chance, List<SetWord> words, List<SceneText> texts)
    {
        var y = chance.Between(-4, 6);
        while (true)
        {
            // Small glyphs are the hard ones, and many fit on a line.
            var line = (float)(chance.LogBetween(mix.MinGlyphHeight, mix.MaxGlyphHeight) / canvas);
            if (y + line > height)
            {
                return;
            }

            var x = chance.Between(1, Math.Max(2, 0.3 * width));
            while (true)
            {
                var face = fonts.Pick(chance);
                var word = WordChoice.Of(1 + chance.Below(7), chance);
                var spacing = chance.Flip(0.3) ? (float)chance.Between(0, 0.2) : 0;
                var glyphHeight = line * (float)chance.Between(0.85, 1);
                var wide = WordSetter.WidthInCapitals(face, word, spacing) * glyphHeight;
                if (x + wide > width - 1)
                {
                    break;
                }

                var turn = chance.Flip(0.15) ? (float)chance.Between(-3, 3) : 0;
                var (text, set) = WordSetter.Set(
                    face, word, glyphHeight, spacing, new SKPoint((float)x, (float)y), turn, backdrop.Ink(chance));
                texts.Add(text);
                words.Add(set);
                x += wide + (glyphHeight * chance.Between(0.4, 2.5));
            }

            y += line * chance.Between(1.25, 2.2);
        }
    }

    private static void Paint(
        SKBitmap bitmap, Scene scene, Backdrop backdrop, List<SetWord> words, List<SceneText> texts, Chance chance)
    {
        using var canvas = new SKCanvas(bitmap);
        backdrop.Paint(canvas, bitmap, chance);
        canvas.Scale((float)bitmap.Width / scene.Width, (float)bitmap.Height / scene.Height);
        for (var i = 0; i < words.Count; i++)
        {
            // Painting a word turns the canvas around it.
            canvas.Save();
            ScenePainter.PaintWord(canvas, texts[i].Value, words[i], smooth: chance.Flip(0.85), chance);
            canvas.Restore();
        }

        canvas.Flush();
    }
}
