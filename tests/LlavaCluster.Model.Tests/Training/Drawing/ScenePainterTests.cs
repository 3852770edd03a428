using LlavaCluster.Training.Drawing;
using SkiaSharp;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Drawing;

/// <summary>The painted pixels against the truth: what changes when a thing is left out is that thing's ink.</summary>
public sealed class ScenePainterTests
{
    private static readonly SceneMix Small = SceneMix.Standard with { MaxSide = 320, TextShare = 0.8 };

    [Fact]
    public void Paint_Objects_InkIsWhereTheTruthSays()
    {
        var inks = 0;
        for (ulong seed = 0; seed < 40; seed++)
        {
            var composition = Studio.Composer.Compose(Small, new Chance(seed));
            var bare = composition with { Scene = composition.Scene with { Objects = [] } };
            var changed = Changed(composition, bare, seed);
            var truth = new SceneTruth(composition.Scene);
            var scene = composition.Scene;
            for (var y = 1; y < scene.Height - 1; y++)
            {
                for (var x = 1; x < scene.Width - 1; x++)
                {
                    var here = truth.At(x + 0.5f, y + 0.5f);
                    var ink = here.Object >= 0 && here.Ink;
                    if (ink == changed[y, x])
                    {
                        inks += ink ? 1 : 0;
                        continue;
                    }

                    // Edges lie between pixels: somewhere within 1.5 pixels the truth must be the other one.
                    Assert.True(
                        Around(x, y).Any(p => truth.At(p.X, p.Y) is var near && (near.Object >= 0 && near.Ink) != ink),
                        $"seed {seed}: ({x}, {y}) is {(ink ? "" : "not ")}ink by the truth, but not as painted");
                }
            }
        }

        Assert.True(inks > 20_000, $"{inks} ink pixels seen");
    }

    [Fact]
    public void Paint_Objects_HaveTheirColour()
    {
        var seen = new HashSet<SceneColour>();
        for (ulong seed = 0; seed < 120; seed++)
        {
            var composition = Studio.Composer.Compose(Small, new Chance(seed));
            var pixels = Paint(composition, seed);
            var truth = new SceneTruth(composition.Scene);
            for (var i = 0; i < composition.Scene.Objects.Count; i++)
            {
                var drawn = composition.Scene.Objects[i];
                if (composition.Borders[i] is null && InnerInk(truth, drawn, i, composition.Scene) is { } at)
                {
                    var colour = pixels.GetPixel(at.X, at.Y);
                    Assert.True(Named(colour) == drawn.Colour, $"seed {seed}: {drawn.Colour} {drawn.Shape} is painted {colour}");
                    seen.Add(drawn.Colour);
                }
            }

            pixels.Dispose();
        }

        Assert.Equal(8, seen.Count);
    }

    [Fact]
    public void Paint_Objects_StandOutFromTheBackdrop()
    {
        for (ulong seed = 0; seed < 150; seed++)
        {
            var composition = Studio.Composer.Compose(Small, new Chance(seed));
            using var backdrop = Paint(composition with { Scene = composition.Scene with { Objects = [] }, Word = null }, seed);
            for (var i = 0; i < composition.Scene.Objects.Count; i++)
            {
                var drawn = composition.Scene.Objects[i];
                var behind = Mean(backdrop, drawn.Box);
                var gap = Distance(composition.Colours[i], behind);
                Assert.True(gap >= 32, $"seed {seed}: {drawn.Colour} {composition.Colours[i]} on {behind} differs by {gap} levels");
            }
        }
    }

    [Fact]
    public void Paint_Words_InkFillsTheGlyphBoxesAndContrasts()
    {
        var words = 0;
        for (ulong seed = 0; seed < 60; seed++)
        {
            var composition = Studio.Composer.Compose(Small, new Chance(seed));
            if (composition.Word is not { } word)
            {
                continue;
            }

            words++;
            using var with = Paint(composition, seed);
            using var without = Paint(composition with { Word = null }, seed);
            var glyphs = composition.Scene.Text!.Glyphs;
            var reach = glyphs.Select(_ => (Left: int.MaxValue, Top: int.MaxValue, Right: -1, Bottom: -1, Gap: 0)).ToArray();
            for (var y = 0; y < with.Height; y++)
            {
                for (var x = 0; x < with.Width; x++)
                {
                    var gap = Math.Abs(Luma(with.GetPixel(x, y)) - Luma(without.GetPixel(x, y)));
                    if (gap < 12)
                    {
                        continue;
                    }

                    var owners = glyphs.Index()
                        .Where(g => x + 2 >= g.Item.Left && x <= g.Item.Right + 1 && y + 2 >= g.Item.Top && y <= g.Item.Bottom + 1)
                        .ToArray();
                    Assert.True(owners.Length > 0, $"seed {seed}: ink at ({x}, {y}) outside all boxes, {word.Face.Family}");
                    foreach (var (i, _) in owners)
                    {
                        var (left, top, right, bottom, most) = reach[i];
                        reach[i] = (Math.Min(left, x), Math.Min(top, y), Math.Max(right, x), Math.Max(bottom, y), Math.Max(most, gap));
                    }
                }
            }

            for (var i = 0; i < glyphs.Count; i++)
            {
                var (box, ink) = (glyphs[i], reach[i]);
                var slack = 2.5 + (Math.Abs(word.Turn) * 0.02 * composition.Scene.Text.Height);
                Assert.True(ink.Gap >= 40, $"seed {seed}: contrast of {box.Character} is {ink.Gap} levels, {word.Face.Family}");
                Assert.True(
                    ink.Left - box.Left < slack
                        && ink.Top - box.Top < slack
                        && box.Right - ink.Right < slack + 1
                        && box.Bottom - ink.Bottom < slack + 1,
                    $"seed {seed}: box {box} is larger than the ink {ink}, {word.Face.Family}");
            }
        }

        Assert.True(words > 30, $"{words} words seen");
    }

    [Fact]
    public void Wear_OfAnySeed_KeepsSizeAndMeanColour()
    {
        for (ulong seed = 0; seed < 40; seed++)
        {
            var worn = Studio.Artist.Draw(seed, Small with { WearShare = 1 });
            var fresh = Studio.Artist.Draw(seed, Small with { WearShare = 0 });

            Assert.Equal((fresh.Pixels.Width, fresh.Pixels.Height), (worn.Pixels.Width, worn.Pixels.Height));
            Assert.InRange(worn.Pixels.Rgb.Average(v => v) - fresh.Pixels.Rgb.Average(v => v), -40, 40);
        }
    }

    private static SKBitmap Paint(Composition composition, ulong seed) =>
        ScenePainter.Paint(composition, composition.Scene.Width, composition.Scene.Height, new Chance(seed));

    private static bool[,] Changed(Composition one, Composition other, ulong seed)
    {
        using SKBitmap a = Paint(one, seed), b = Paint(other, seed);
        var changed = new bool[a.Height, a.Width];
        for (var y = 0; y < a.Height; y++)
        {
            for (var x = 0; x < a.Width; x++)
            {
                changed[y, x] = Distance(a.GetPixel(x, y), b.GetPixel(x, y)) > 12;
            }
        }

        return changed;
    }

    private static IEnumerable<(float X, float Y)> Around(int x, int y) =>
        from dy in new[] { -1.5f, -1, -0.5f, 0, 0.5f, 1, 1.5f }
        from dx in new[] { -1.5f, -1, -0.5f, 0, 0.5f, 1, 1.5f }
        select (x + 0.5f + dx, y + 0.5f + dy);

    /// <summary>A pixel all around which the object's ink is.</summary>
    private static (int X, int Y)? InnerInk(SceneTruth truth, SceneObject drawn, int index, Scene scene)
    {
        for (var y = (int)drawn.Box.Top; y < drawn.Box.Bottom; y++)
        {
            for (var x = (int)drawn.Box.Left; x < drawn.Box.Right; x++)
            {
                if (x > 0 && y > 0 && x < scene.Width && y < scene.Height
                    && Around(x, y).All(p => truth.At(p.X, p.Y) is var here && here.Object == index && here.Ink))
                {
                    return (x, y);
                }
            }
        }

        return null;
    }

    /// <summary>The name a person gives a colour, by plain bounds of hue and brightness.</summary>
    private static SceneColour? Named(SKColor colour)
    {
        colour.ToHsv(out var hue, out var saturation, out var value);
        return (hue, saturation, value) switch
        {
            (_, _, < 16) => SceneColour.Black,
            (_, < 8, > 90) => SceneColour.White,
            ( >= 345 or < 15, > 60, > 55) => SceneColour.Red,
            ( >= 20 and < 42, > 70, > 85) => SceneColour.Orange,
            ( >= 49 and < 64, > 60, > 85) => SceneColour.Yellow,
            ( >= 90 and < 155, > 40, > 35) => SceneColour.Green,
            ( >= 200 and < 250, > 55, > 40) => SceneColour.Blue,
            ( >= 260 and < 315, > 40, > 35) => SceneColour.Purple,
            _ => null,
        };
    }

    private static SKColor Mean(SKBitmap bitmap, SceneBox box)
    {
        var (r, g, b, n) = (0, 0, 0, 0);
        for (var y = (int)box.Top; y < Math.Min(bitmap.Height, box.Bottom); y++)
        {
            for (var x = (int)box.Left; x < Math.Min(bitmap.Width, box.Right); x++, n++)
            {
                var colour = bitmap.GetPixel(x, y);
                (r, g, b) = (r + colour.Red, g + colour.Green, b + colour.Blue);
            }
        }

        return new SKColor((byte)(r / n), (byte)(g / n), (byte)(b / n));
    }

    private static int Distance(SKColor a, SKColor b) =>
        Math.Max(Math.Abs(a.Red - b.Red), Math.Max(Math.Abs(a.Green - b.Green), Math.Abs(a.Blue - b.Blue)));

    private static int Luma(SKColor colour) => (int)((0.299 * colour.Red) + (0.587 * colour.Green) + (0.114 * colour.Blue));
}
