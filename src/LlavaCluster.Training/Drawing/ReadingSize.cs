namespace LlavaCluster.Training.Drawing;

/// <summary>How large the word of a scene appears to the model, pixels of the capitals' height.</summary>
/// <param name="Canvas">On the AnyRes canvas, which the tiles are cut from.</param>
/// <param name="Base">In the base tile, along its more squeezed axis: the whole picture is pressed into a square.</param>
internal readonly record struct ReadingSize(double Canvas, double Base)
{
    /// <summary>From this height on letters can be told apart.</summary>
    public const double Readable = 9;

    /// <summary>Up to this height they cannot.</summary>
    public const double Unreadable = 6.5;

    /// <summary>The word can be read without the tiles.</summary>
    public bool InBaseTile => Base >= Readable;

    /// <summary>The word can be read in the tiles, but not in the base tile.</summary>
    public bool InTilesOnly => Base <= Unreadable && Canvas >= Readable;

    /// <summary>
    /// The sizes of a scene's word for a model with tiles of <paramref name="tileSide"/> pixels; null without a word.
    /// </summary>
    public static ReadingSize? Of(Scene scene, int tileSide = 112) => scene.Text is { } text
        ? Of(text.Height, scene.Width, scene.Height, new SceneMix { TileSide = tileSide })
        : null;

    /// <summary>The sizes of glyphs of a height in a picture.</summary>
    public static ReadingSize Of(double height, int pictureWidth, int pictureHeight, SceneMix mix)
    {
        var layout = mix.Layout(pictureWidth, pictureHeight);
        var canvas = Math.Min((double)layout.ResizedWidth / pictureWidth, (double)layout.ResizedHeight / pictureHeight);
        return new ReadingSize(height * canvas, height * mix.TileSide / Math.Max(pictureWidth, pictureHeight));
    }
}
