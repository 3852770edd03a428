using LlavaCluster.Training.Drawing;
using Xunit;

namespace LlavaCluster.Model.Tests.Training.Drawing;

public sealed class FontShelfTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fonts").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Find_NoFonts_SaysWhatToInstall()
    {
        File.WriteAllText(Path.Combine(_folder, "broken.ttf"), "no font");

        var error = Assert.Throws<InvalidOperationException>(() => FontShelf.Find(_folder, "/no/such/folder"));

        Assert.StartsWith($"No font that shows A–Z and 0–9 under {_folder}, /no/such/folder. Install some: ", error.Message);
        Assert.Contains("apt-get install fonts-dejavu-core fonts-liberation", error.Message);
    }

    [Fact]
    public void ForTraining_OneFamily_SaysHowManyAreNeeded()
    {
        var shelf = OneFont();

        var error = Assert.Throws<InvalidOperationException>(() => shelf.ForTraining());

        Assert.StartsWith(
            $"1 font families here ({shelf.Families[0][0].Family}); a model that shall read other fonts needs at least 6. ", error.Message);
        Assert.Contains("Install more: apt-get install fonts-dejavu-core fonts-liberation", error.Message);
    }

    [Fact]
    public void Find_OneFont_IsEnoughToDraw()
    {
        var drawn = new SceneArtist(OneFont()).Draw(3, SceneMix.TextOfBaseTile with { MaxSide = 300 });

        Assert.NotNull(drawn.Scene.Text);
    }

    [Fact]
    public void Families_OfThisMachine_ShowAllCharactersAtOneHeight()
    {
        foreach (var face in Studio.Fonts.Families.SelectMany(family => family))
        {
            var heights = FontFace.Characters.Where(c => c is not ('Q' or 'J'))
                .Select(c => face.Ink(c).Height / face.CapHeight)
                .ToArray();
            Assert.True(heights.Min() > 0.85 && heights.Max() < 1.25, $"{face.Family}: {heights.Min()}–{heights.Max()} capitals high");
            Assert.True(face.Advance('W') > face.Advance('I') * 0.99, face.Family);
        }
    }

    /// <summary>A shelf of one file of this machine, of a family that shelves take.</summary>
    private FontShelf OneFont()
    {
        var taken = Studio.Fonts.Families.Select(family => family[0].Family).ToHashSet();
        var file = Directory.EnumerateFiles("/usr/share/fonts", "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .First(path => Path.GetExtension(path) is ".ttf" or ".otf" && FontFace.TryOpen(path) is { } face && taken.Contains(face.Family));
        File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        return FontShelf.Find(_folder);
    }
}
