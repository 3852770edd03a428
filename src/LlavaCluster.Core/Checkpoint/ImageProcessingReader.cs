using System.Text.Json;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Core.Checkpoint;

/// <summary>
/// How pictures are cut: <c>preprocessor_config.json</c> with what <c>config.json</c> says of the same. The first decides the
/// tiles, the second how features are packed, so where both speak they must agree.
/// </summary>
internal static class ImageProcessingReader
{
    private const int Bicubic = 3;

    private static readonly (int, int)[] PublishedPinpoints = [(336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008)];
    private static readonly float[] ClipMean = [0.48145466f, 0.4578275f, 0.40821073f];
    private static readonly float[] ClipStd = [0.26862954f, 0.26130258f, 0.27577711f];

    /// <summary>Reads it; without a preprocessor file the numbers follow from the vision tower.</summary>
    public static ImageProcessing Read(
        ConfigObject root, ConfigObject? preprocessor, VisionConfig vision, ImageMode mode, PinpointOrder order)
    {
        var images = new ImageProcessing
        {
            Mode = mode,
            TileSide = vision.ImageSide,
            PatchSide = vision.PatchSide,
            Pinpoints = mode == ImageMode.AnyRes ? Pinpoints(root, preprocessor, vision.ImageSide) : [],
            Order = order,
            Mean = preprocessor is null ? ClipMean : Colour(preprocessor, "image_mean", ClipMean),
            Std = preprocessor is null ? ClipStd : Colour(preprocessor, "image_std", ClipStd),
        };
        if (preprocessor is null)
        {
            return images;
        }

        foreach (var step in (string[])["do_resize", "do_center_crop", "do_rescale", "do_normalize"])
        {
            preprocessor.Only(step, true);
        }

        if ((preprocessor.FindInt("resample") ?? Bicubic) != Bicubic)
        {
            throw preprocessor.Refuse("resample", "3 (bicubic)");
        }

        RequireSide(preprocessor, "crop_size", vision.ImageSide);
        RequireSide(preprocessor, "size", vision.ImageSide);
        return images with { RescaleFactor = preprocessor.Positive("rescale_factor", images.RescaleFactor) };
    }

    /// <summary>A size is a number, or an object with shortest_edge or height and width.</summary>
    private static void RequireSide(ConfigObject preprocessor, string key, int side)
    {
        int?[] sides = preprocessor.Find(key) switch
        {
            null => [],
            { ValueKind: JsonValueKind.Object } => Sides(preprocessor.Object(key)!),
            _ => [preprocessor.FindInt(key)],
        };
        if (sides.Any(s => s is not null && s != side))
        {
            throw preprocessor.Refuse(key, $"{side}, the image_size of the vision tower");
        }
    }

    private static int?[] Sides(ConfigObject size) =>
        [size.FindInt("shortest_edge"), size.FindInt("height"), size.FindInt("width")];

    private static IReadOnlyList<(int, int)> Pinpoints(ConfigObject root, ConfigObject? preprocessor, int side)
    {
        var ofModel = PinpointList.Find(root, side);
        var ofTiles = preprocessor is null ? null : PinpointList.Find(preprocessor, side);
        if (ofModel is not null && ofTiles is not null && !ofModel.SequenceEqual(ofTiles))
        {
            throw root.Refuse(
                $"image_grid_pinpoints is {PinpointList.Show(ofModel)}, but preprocessor_config.json has {PinpointList.Show(ofTiles)}. "
                + "Tiles and packing would not fit each other: make both lists equal, in the same order.");
        }

        return ofModel ?? ofTiles ?? (side == 336
            ? PublishedPinpoints
            : throw root.Refuse("image_grid_pinpoints", $"a list of pairs that are multiples of the tile's side, {side}"));
    }

    private static float[] Colour(ConfigObject preprocessor, string key, float[] otherwise)
    {
        if (preprocessor.Find(key) is not { } value)
        {
            return otherwise;
        }

        var numbers = value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.Number).Select(e => e.GetSingle()).ToArray()
            : [];
        var usable = numbers.Length == 3 && numbers.All(float.IsFinite) && (key != "image_std" || numbers.All(n => n > 0));
        return usable ? numbers : throw preprocessor.Refuse(key, "three numbers, of red, green and blue");
    }
}
