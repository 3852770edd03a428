using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Training.Drawing;

/// <summary>
/// What kind of pictures are drawn; a stage of training can have its own. Heights of glyphs are those of the capitals.
/// </summary>
internal sealed record SceneMix
{
    /// <summary>Everything that the questions are about.</summary>
    public static SceneMix Standard { get; } = new();

    /// <summary>Always a text, and one that is readable when the whole picture is squeezed to one tile.</summary>
    public static SceneMix TextOfBaseTile { get; } = new()
    {
        TextShare = 1,
        MinBaseGlyphHeight = ReadingSize.Readable,
        MaxGlyphHeight = 60,
        MaxAspect = 2,
    };

    /// <summary>Always a text, and one that is readable in the tiles of the canvas, but not in the base tile.</summary>
    public static SceneMix TextOfTiles { get; } = new()
    {
        TextShare = 1,
        MinGlyphHeight = ReadingSize.Readable,
        MaxBaseGlyphHeight = ReadingSize.Unreadable,
        MinSide = 200,
    };

    /// <summary>Fewest objects, 0–4.</summary>
    public int MinObjects { get; init; } = 1;

    /// <summary>Most objects, 0–4; every number from the fewest to the most is as likely.</summary>
    public int MaxObjects { get; init; } = 4;

    /// <summary>Share of pictures with a word.</summary>
    public double TextShare { get; init; } = 0.55;

    /// <summary>Fewest characters of a word.</summary>
    public int MinCharacters { get; init; } = 3;

    /// <summary>Most characters of a word.</summary>
    public int MaxCharacters { get; init; } = 6;

    /// <summary>Least height of glyphs in pixels of the AnyRes canvas; every octave up to the largest is as likely.</summary>
    public double MinGlyphHeight { get; init; } = 8;

    /// <summary>
    /// Largest height of glyphs in pixels of the AnyRes canvas; a word that is too wide for its picture gets smaller.
    /// </summary>
    public double MaxGlyphHeight { get; init; } = 40;

    /// <summary>Least height of glyphs in pixels of the base tile, along its more squeezed axis.</summary>
    public double MinBaseGlyphHeight { get; init; }

    /// <summary>Largest height of glyphs in pixels of the base tile, along its more squeezed axis.</summary>
    public double MaxBaseGlyphHeight { get; init; } = double.PositiveInfinity;

    /// <summary>Least size of objects as a share of the picture's shorter side.</summary>
    public double MinObjectSize { get; init; } = 0.1;

    /// <summary>Largest size of objects as a share of the picture's shorter side.</summary>
    public double MaxObjectSize { get; init; } = 0.95;

    /// <summary>Fewest pixels of a side.</summary>
    public int MinSide { get; init; } = 100;

    /// <summary>Most pixels of a side.</summary>
    public int MaxSide { get; init; } = 1400;

    /// <summary>How many times longer one side may be than the other.</summary>
    public double MaxAspect { get; init; } = 3;

    /// <summary>
    /// Share of pictures with noise, blur, shifted colours, JPEG or rescaling; each of these befalls some of them.
    /// </summary>
    public double WearShare { get; init; } = 0.7;

    /// <summary>Pixels of a tile's side in the model that will look.</summary>
    public int TileSide { get; init; } = 112;

    /// <summary>Where pictures of this size lie on the model's canvas.</summary>
    public ImageGeometry Layout(int width, int height) => AnyResGrid.Layout(Processing(TileSide), width, height);

    private static ImageProcessing Processing(int side) => new()
    {
        Mode = ImageMode.AnyRes,
        TileSide = side,
        PatchSide = side,
        Pinpoints = [(side, 2 * side), (2 * side, side), (2 * side, 2 * side), (3 * side, side), (side, 3 * side)],
        Order = PinpointOrder.HeightWidth,
        Mean = [0, 0, 0],
        Std = [1, 1, 1],
    };
}
