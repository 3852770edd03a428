namespace LlavaCluster.Core.Imaging;

/// <summary>How a checkpoint wants its pictures cut.</summary>
public enum ImageMode
{
    /// <summary>LLaVA-NeXT: base tile, then the tiles of the best canvas.</summary>
    AnyRes,

    /// <summary>LLaVA-1.5 as published: shortest side to the tile's side, centre crop; one tile.</summary>
    CentreCrop,

    /// <summary>LLaVA-1.5, original layout with <c>image_aspect_ratio</c> "pad": padded to a square with the mean colour; one tile.</summary>
    PadToSquare,

    /// <summary>LLaVA-NeXT's base tile alone, the whole picture squeezed into it: shows by comparison what AnyRes is worth.</summary>
    BaseTile,
}

/// <summary>Axis order of the checkpoint's pinpoints: it decides ties between canvases, and how unpadding rounds.</summary>
public enum PinpointOrder
{
    /// <summary>Hugging Face: (height, width).</summary>
    HeightWidth,

    /// <summary>The original project: (width, height).</summary>
    WidthHeight,
}

/// <summary>What a checkpoint says of its pictures (<c>preprocessor_config.json</c> and <c>config.json</c>).</summary>
public sealed record ImageProcessing
{
    /// <summary>How pictures are cut.</summary>
    public required ImageMode Mode { get; init; }

    /// <summary>Pixels of a tile's side.</summary>
    public required int TileSide { get; init; }

    /// <summary>Pixels of a patch's side.</summary>
    public required int PatchSide { get; init; }

    /// <summary>Canvases as listed by the checkpoint, pixels; <see cref="Order"/> says which number is which.</summary>
    public required IReadOnlyList<(int First, int Second)> Pinpoints { get; init; }

    /// <summary>Axis order of <see cref="Pinpoints"/>.</summary>
    public required PinpointOrder Order { get; init; }

    /// <summary>Mean of red, green, blue after rescaling.</summary>
    public required IReadOnlyList<float> Mean { get; init; }

    /// <summary>Standard deviation of red, green, blue after rescaling.</summary>
    public required IReadOnlyList<float> Std { get; init; }

    /// <summary>Factor from 0–255 to 0–1, as the checkpoint writes it.</summary>
    public double RescaleFactor { get; init; } = 0.00392156862745098;

    /// <summary>Patches along a tile's side.</summary>
    public int PatchesPerSide => TileSide / PatchSide;

    /// <summary>
    /// What is wrong with these settings, in one sentence for whoever made the checkpoint; null when nothing is. Canvases that are
    /// no whole number of tiles are refused: the reference cuts edge tiles for them that its own model then cannot place.
    /// </summary>
    public string? Problem
    {
        get
        {
            if (TileSide < 1 || PatchSide < 1 || PatchSide > TileSide)
            {
                return $"Tiles of {TileSide} and patches of {PatchSide} pixels: a patch has at least 1 pixel and fits into a tile.";
            }

            if (Mean is not { Count: 3 } || Std is not { Count: 3 } || !Mean.All(float.IsFinite) || !Std.All(s => float.IsFinite(s) && s != 0))
            {
                return "image_mean and image_std must have three finite numbers each, image_std none of them 0.";
            }

            if (!double.IsFinite(RescaleFactor))
            {
                return $"rescale_factor {RescaleFactor} is no finite number.";
            }

            if (Mode != ImageMode.AnyRes)
            {
                return null;
            }

            foreach (var (first, second) in Pinpoints)
            {
                if (first < TileSide || second < TileSide || first % TileSide != 0 || second % TileSide != 0)
                {
                    return $"image_grid_pinpoints lists {first}×{second}; both must be multiples of the tile side {TileSide}.";
                }
            }

            return Pinpoints.Count == 0 ? "image_grid_pinpoints is empty; AnyRes needs at least one canvas." : null;
        }
    }
}
