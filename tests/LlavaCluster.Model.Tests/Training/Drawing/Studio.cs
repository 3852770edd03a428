using LlavaCluster.Training.Drawing;

namespace LlavaCluster.Model.Tests.Training.Drawing;

/// <summary>What tests draw with: the fonts of this machine, whichever they are; one family is enough.</summary>
internal static class Studio
{
    public static FontShelf Fonts { get; } = FontShelf.Find();

    public static SceneArtist Artist { get; } = new(Fonts);

    public static SceneComposer Composer { get; } = new(Fonts);

    /// <summary>Scenes as the artist draws them, without the cost of painting.</summary>
    public static IEnumerable<Scene> Scenes(int count, SceneMix? mix = null) =>
        Enumerable.Range(0, count).Select(seed => Artist.Compose((ulong)seed, mix ?? SceneMix.Standard));
}
