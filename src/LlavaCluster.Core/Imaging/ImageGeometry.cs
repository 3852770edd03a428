namespace LlavaCluster.Core.Imaging;

/// <summary>
/// Everything about one picture's layout that follows from its size and the checkpoint alone: the same numbers on gateway,
/// encoder and decoder. Formulas: LLaVA-NeXT's <c>select_best_resolution</c>, <c>get_patch_output_size</c>, <c>unpad_image</c>.
/// </summary>
public sealed record ImageGeometry
{
    /// <summary>Pixels of a row of the picture.</summary>
    public required int Width { get; init; }

    /// <summary>Rows of the picture.</summary>
    public required int Height { get; init; }

    /// <summary>Canvas that the picture is fitted into, pixels; 0 where there is none (one tile).</summary>
    public required int CanvasWidth { get; init; }

    /// <summary>Canvas that the picture is fitted into, pixels; 0 where there is none (one tile).</summary>
    public required int CanvasHeight { get; init; }

    /// <summary>The picture's size on the canvas, pixels.</summary>
    public required int ResizedWidth { get; init; }

    /// <summary>The picture's size on the canvas, pixels.</summary>
    public required int ResizedHeight { get; init; }

    /// <summary>Tiles of the canvas from left to right; 0 where there is no canvas.</summary>
    public required int GridColumns { get; init; }

    /// <summary>Tiles of the canvas from top to bottom; 0 where there is no canvas.</summary>
    public required int GridRows { get; init; }

    /// <summary>Patches along a tile's side (24 for 336-pixel tiles of 14-pixel patches).</summary>
    public required int PatchesPerSide { get; init; }

    /// <summary>First row of the patch grid that is kept after unpadding.</summary>
    public required int FirstRow { get; init; }

    /// <summary>Rows of the patch grid that are kept; each ends in one new-line token.</summary>
    public required int Rows { get; init; }

    /// <summary>First column of the patch grid that is kept after unpadding.</summary>
    public required int FirstColumn { get; init; }

    /// <summary>Columns of the patch grid that are kept.</summary>
    public required int Columns { get; init; }

    /// <summary>All tiles, base tile included.</summary>
    public int Tiles => 1 + (GridRows * GridColumns);

    /// <summary>Tokens of the base tile.</summary>
    public int BaseTokens => PatchesPerSide * PatchesPerSide;

    /// <summary>Tokens of this picture in a prompt.</summary>
    public int Tokens => BaseTokens + (Rows * (Columns + 1));
}
