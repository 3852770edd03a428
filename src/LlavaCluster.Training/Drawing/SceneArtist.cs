namespace LlavaCluster.Training.Drawing;

/// <summary>
/// Draws pictures whose truth is known. The same seed and mix give the same pixels wherever the same fonts are installed. Many
/// threads may draw with one artist.
/// </summary>
internal sealed class SceneArtist(FontShelf fonts)
{
    private readonly SceneComposer _composer = new(fonts);

    /// <summary>The picture of a seed.</summary>
    public DrawnPicture Draw(ulong seed, SceneMix mix)
    {
        var chance = new Chance(seed);
        var composition = _composer.Compose(mix, chance.Fork());
        var scene = composition.Scene;
        var wear = PictureWear.OfChance(scene, mix, chance.Fork());
        int width = (int)Math.Ceiling(scene.Width * wear.DrawnScale), height = (int)Math.Ceiling(scene.Height * wear.DrawnScale);
        var painted = ScenePainter.Paint(composition, width, height, chance);
        return new DrawnPicture(wear.Apply(painted, scene.Width, scene.Height, chance), scene);
    }

    /// <summary>What the picture of a seed shows, without painting it.</summary>
    public Scene Compose(ulong seed, SceneMix mix) => _composer.Compose(mix, new Chance(seed).Fork()).Scene;
}
