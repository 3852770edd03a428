using System.Security.Cryptography;
using LlavaCluster.Training.Drawing;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Drawing;

public sealed class SceneArtistTests
{
    private static readonly SceneMix Small = SceneMix.Standard with { MaxSide = 300 };

    [Fact]
    public void Draw_SameSeedOnManyThreads_SamePicture()
    {
        var alone = Enumerable.Range(0, 24).Select(Print).ToArray();

        var together = Enumerable.Range(0, 24).AsParallel().AsOrdered().WithDegreeOfParallelism(4).Select(Print).ToArray();

        Assert.Equal(alone, together);
        Assert.Equal(24, alone.Distinct().Count());
    }

    [Fact]
    public void Draw_AnySeed_SceneIsTheComposedOne()
    {
        for (ulong seed = 0; seed < 10; seed++)
        {
            var drawn = Studio.Artist.Draw(seed, Small);
            var composed = Studio.Artist.Compose(seed, Small);

            Assert.Equal((composed.Width, composed.Height), (drawn.Pixels.Width, drawn.Pixels.Height));
            Assert.Equal(composed.Objects.Select(o => (o.Shape, o.Colour, o.Box)), drawn.Scene.Objects.Select(o => (o.Shape, o.Colour, o.Box)));
            Assert.Equal(composed.Text?.Value, drawn.Scene.Text?.Value);
        }
    }

    [Fact]
    public void Compose_AnySeed_KeepsToTheMix()
    {
        var scenes = Studio.Scenes(600).ToArray();

        foreach (var scene in scenes)
        {
            Assert.InRange(scene.Width, 100, 1400);
            Assert.InRange(scene.Height, 100, 1400);
            Assert.InRange(Math.Max(scene.Width, scene.Height) / (double)Math.Min(scene.Width, scene.Height), 1, 3.02);
            Assert.InRange(scene.Objects.Count, 1, 4);
            if (scene.Text is { } text)
            {
                Assert.Matches("^[A-Z0-9]{3,6}$", text.Value);
                Assert.Equal(text.Value, string.Concat(text.Glyphs.Select(g => g.Character)));
            }
        }

        Assert.InRange(scenes.Count(s => s.Text is not null), 270, 390);
        Assert.Equal(6, scenes.SelectMany(s => s.Objects).Select(o => o.Shape).Distinct().Count());
        Assert.Equal(8, scenes.SelectMany(s => s.Objects).Select(o => o.Colour).Distinct().Count());
        Assert.InRange(scenes.SelectMany(s => s.Objects).Average(o => o.Filled ? 1 : 0), 0.6, 0.9);
    }

    [Fact]
    public void Compose_AnySeed_NothingTouchesAndAllIsInside()
    {
        foreach (var scene in Studio.Scenes(400))
        {
            var boxes = scene.Objects.Select(o => o.Box).Concat(scene.Text is { } text ? [text.Box] : []).ToList();
            for (var i = 0; i < boxes.Count; i++)
            {
                var a = boxes[i];
                Assert.True(
                    a.Left >= 0 && a.Top >= 0 && a.Right <= scene.Width && a.Bottom <= scene.Height,
                    $"{a} leaves {scene.Width}×{scene.Height}");
                foreach (var b in boxes.Skip(i + 1))
                {
                    Assert.True(a.Right < b.Left || b.Right < a.Left || a.Bottom < b.Top || b.Bottom < a.Top, $"{a} touches {b}");
                }
            }
        }
    }

    [Fact]
    public void Compose_MixesOfTextSizes_AreReadableWhereTheySay()
    {
        var small = Studio.Scenes(200, SceneMix.TextOfTiles).Select(scene => ReadingSize.Of(scene)!.Value);
        var large = Studio.Scenes(200, SceneMix.TextOfBaseTile).Select(scene => ReadingSize.Of(scene)!.Value);

        Assert.All(small, size => Assert.True(size is { InTilesOnly: true, InBaseTile: false }, $"{size}"));
        Assert.All(large, size => Assert.True(size is { InTilesOnly: false, InBaseTile: true }, $"{size}"));
    }

    [Fact]
    public void ReadingSize_PictureOfKnownSize_FollowsTheGrid()
    {
        // 448 × 448 lies on the canvas of 224 × 224 and is pressed to 112 × 112; 672 × 224 lies on 336 × 112.
        Assert.Equal(new ReadingSize(10, 5), ReadingSize.Of(20, 448, 448, SceneMix.Standard));
        Assert.Equal(new ReadingSize(12, 4), ReadingSize.Of(24, 672, 224, SceneMix.Standard));
    }

    private static string Print(int seed)
    {
        var drawn = Studio.Artist.Draw((ulong)seed, Small);
        return $"{drawn.Pixels.Width}×{drawn.Pixels.Height} {Convert.ToHexString(SHA256.HashData(drawn.Pixels.Rgb))} "
            + string.Join(' ', drawn.Scene.Objects.Select(o => $"{o.Shape}{o.Colour}{o.CentreX}"));
    }
}
