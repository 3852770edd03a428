using SkiaSharp;

namespace LlavaCluster.Training.Drawing;

/// <summary>Decides what stands where on a picture and how it looks.</summary>
internal sealed class SceneComposer(FontShelf fonts)
{
    /// <summary>How often one layout is tried, with ever smaller objects, before the word is set anew as well.</summary>
    private const int LayoutTries = 12;

    /// <summary>How often another word or font is tried when one is too wide at the least height that the mix allows.</summary>
    private const int WordTries = 20;

    /// <summary>Below this many pixels of the picture no letter has a form.</summary>
    private const double LeastPixels = 7;

    /// <summary>A composition of chance.</summary>
    public Composition Compose(SceneMix mix, Chance chance)
    {
        var (width, height) = PictureSize.OfChance(mix, chance);
        var style = DrawingStyle.OfChance(chance);
        var kinds = Kinds(mix, chance);
        var withText = chance.Flip(mix.TextShare);
        var pure = style.PureColours;
        var shades = kinds.Select(kind => Shades.Of(kind.Colour, pure, chance)).ToArray();
        var backdrop = Backdrop.For(shades, withText, chance);
        for (var round = 0; ; round++)
        {
            var word = withText ? SetWord(mix, width, height, backdrop, chance) : default;
            var layout = new ObjectLayout(mix, width, height, word.Text, style);
            for (var attempt = 0; attempt < LayoutTries; attempt++)
            {
                if (layout.TryPlace(kinds, Math.Pow(0.8, attempt + (round * 2)), chance) is { } objects)
                {
                    SKColor? Border(SceneObject drawn) =>
                        drawn.Filled && drawn.Colour != SceneColour.Black && chance.Flip(style.BorderShare)
                            ? Shades.Of(SceneColour.Black, pure, chance)
                            : null;
                    var scene = new Scene(width, height, objects, word.Text);
                    return new Composition(scene, backdrop, shades, [.. objects.Select(Border)], word.Word, style.Smooth);
                }
            }
        }
    }

    /// <summary>
    /// A scene of chance that is not meant to be painted: it needs no fonts, and its glyphs are boxes of one width.
    /// </summary>
    public static Scene Unpainted(SceneMix mix, Chance chance)
    {
        var (width, height) = PictureSize.OfChance(mix, chance);
        var text = chance.Flip(mix.TextShare) ? UnpaintedText(mix, width, height, chance) : null;
        var kinds = Kinds(mix, chance);
        var layout = new ObjectLayout(mix, width, height, text, DrawingStyle.OfChance(chance));
        for (var attempt = 0; ; attempt++)
        {
            if (layout.TryPlace(kinds, Math.Pow(0.8, attempt), chance) is { } objects)
            {
                return new Scene(width, height, objects, text);
            }
        }
    }

    private static SceneText UnpaintedText(SceneMix mix, int width, int height, Chance chance)
    {
        const float Wide = 0.7f;
        var word = Word(mix, chance);
        var (capital, _) = WordHeight(mix, width, height, Wide * word.Length, chance);
        var pitch = Wide * capital;
        var left = (float)chance.Between(0, width - (pitch * word.Length));
        var top = (float)chance.Between(0, height - capital);
        return new SceneText(
            word, [.. word.Select((c, i) => new GlyphBox(c, left + (pitch * i), top, left + (pitch * (i + 1)), top + capital))], capital);
    }

    private static string Word(SceneMix mix, Chance chance) =>
        WordChoice.Of(mix.MinCharacters + chance.Below(mix.MaxCharacters - mix.MinCharacters + 1), chance);

    /// <summary>Shapes and colours; often one of them comes again, so that there is something to count.</summary>
    private static (SceneShape Shape, SceneColour Colour)[] Kinds(SceneMix mix, Chance chance)
    {
        var count = mix.MinObjects + chance.Below(mix.MaxObjects - mix.MinObjects + 1);
        var kinds = new List<(SceneShape Shape, SceneColour Colour)>();
        var sameShape = chance.Flip(0.4) ? 0.75 : 0;
        var sameColour = chance.Flip(0.25) ? 0.7 : 0;
        while (kinds.Count < count)
        {
            var shape = (SceneShape)chance.Below(6);
            var colour = (SceneColour)chance.Below(8);
            if (kinds.Count > 0)
            {
                shape = chance.Flip(sameShape) ? kinds[0].Shape : shape;
                colour = chance.Flip(sameColour) ? kinds[0].Colour : colour;
            }

            kinds.Add((shape, colour));
        }

        return [.. kinds];
    }

    private (SceneText? Text, SetWord? Word) SetWord(SceneMix mix, int width, int height, Backdrop backdrop, Chance chance)
    {
        var turn = (float)(chance.Flip(0.1) ? chance.Between(-4, 4) : 0);
        for (var attempt = 0; ; attempt++)
        {
            var face = fonts.Pick(chance);
            var word = Word(mix, chance);
            var spacing = (float)(chance.Flip(0.7) ? 0 : chance.Between(-0.02, 0.15));
            var wide = WordSetter.WidthInCapitals(face, word, spacing);
            var (capital, fits) = WordHeight(mix, width, height, wide, chance);
            if (!fits && attempt < WordTries)
            {
                continue;
            }

            // What the turn and deep letters (Q, J) add around the word.
            var room = (0.3f * capital) + (Math.Abs(turn) * 0.02f * wide * capital) + 1;
            double right = width - (wide * capital), down = height - capital;
            var start = new SKPoint(
                (float)chance.Between(Math.Min(room, right / 2), Math.Max(right - room, right / 2)),
                (float)chance.Between(Math.Min(room, down / 2), Math.Max(down - room, down / 2)));
            return WordSetter.Set(face, word, capital, spacing, start, turn, backdrop.Ink(chance));
        }
    }

    /// <summary>
    /// Height of the capitals in the picture's pixels within the mix's limits on canvas and base tile; smaller, and marked as not
    /// fitting, where the picture is too narrow for the word.
    /// </summary>
    private static (float Height, bool Fits) WordHeight(SceneMix mix, int width, int height, double wide, Chance chance)
    {
        var unit = ReadingSize.Of(1, width, height, mix);
        var low = Math.Max(Math.Max(mix.MinGlyphHeight / unit.Canvas, mix.MinBaseGlyphHeight / unit.Base), LeastPixels);
        var high = Math.Min(mix.MaxGlyphHeight / unit.Canvas, mix.MaxBaseGlyphHeight / unit.Base);
        var widest = Math.Min(0.92 * width / (wide + 0.6), 0.5 * height);
        var wished = chance.LogBetween(low, Math.Max(low, high));
        return ((float)Math.Min(wished, widest), low <= widest);
    }
}
