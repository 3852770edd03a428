namespace LlavaCluster.Core.Imaging;

/// <summary>
/// Where a picture of a given size lies on its canvas and how many tokens it takes. One function for gateway, encoder and decoder.
/// Formulas: <c>select_best_resolution</c>, <c>get_patch_output_size</c>, <c>unpad_image</c> of LLaVA-NeXT (transformers and original).
/// </summary>
public static class AnyResGrid
{
    /// <summary>The layout of a picture of <paramref name="width"/> × <paramref name="height"/> pixels.</summary>
    public static ImageGeometry Layout(ImageProcessing processing, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        var side = processing.PatchesPerSide;
        if (processing.Mode != ImageMode.AnyRes)
        {
            return new ImageGeometry
            {
                Width = width,
                Height = height,
                CanvasWidth = 0,
                CanvasHeight = 0,
                ResizedWidth = processing.TileSide,
                ResizedHeight = processing.TileSide,
                GridColumns = 0,
                GridRows = 0,
                PatchesPerSide = side,
                FirstRow = 0,
                Rows = 0,
                FirstColumn = 0,
                Columns = 0,
            };
        }

        var (canvasHeight, canvasWidth) = BestCanvas(processing, width, height);
        var (resizedHeight, resizedWidth) = FitInto(canvasHeight, canvasWidth, width, height);
        int gridRows = canvasHeight / processing.TileSide, gridColumns = canvasWidth / processing.TileSide;
        int rows = gridRows * side, columns = gridColumns * side;
        var (firstRow, firstColumn) = Unpad(processing.Order, width, height, rows, columns);
        return new ImageGeometry
        {
            Width = width,
            Height = height,
            CanvasWidth = canvasWidth,
            CanvasHeight = canvasHeight,
            ResizedWidth = resizedWidth,
            ResizedHeight = resizedHeight,
            GridColumns = gridColumns,
            GridRows = gridRows,
            PatchesPerSide = side,
            FirstRow = firstRow,
            Rows = rows - (2 * firstRow),
            FirstColumn = firstColumn,
            Columns = columns - (2 * firstColumn),
        };
    }

    /// <summary>The canvas that keeps most of the picture's pixels, then wastes least; of equals the first listed.</summary>
    private static (int Height, int Width) BestCanvas(ImageProcessing processing, int width, int height)
    {
        (int Height, int Width) best = default;
        long bestKept = -1, bestWaste = long.MaxValue;
        foreach (var (first, second) in processing.Pinpoints)
        {
            var (canvasHeight, canvasWidth) = processing.Order == PinpointOrder.HeightWidth ? (first, second) : (second, first);
            var scale = Math.Min((double)canvasWidth / width, (double)canvasHeight / height);
            var kept = Math.Min((long)(width * scale) * (long)(height * scale), (long)width * height);
            var waste = ((long)canvasWidth * canvasHeight) - kept;
            if (kept > bestKept || (kept == bestKept && waste < bestWaste))
            {
                (best, bestKept, bestWaste) = ((canvasHeight, canvasWidth), kept, waste);
            }
        }

        return best;
    }

    private static (int Height, int Width) FitInto(int canvasHeight, int canvasWidth, int width, int height)
    {
        double byWidth = (double)canvasWidth / width, byHeight = (double)canvasHeight / height;
        return byWidth < byHeight
            ? (Math.Min((int)Math.Ceiling(height * byWidth), canvasHeight), canvasWidth)
            : (canvasHeight, Math.Min((int)Math.Ceiling(width * byHeight), canvasWidth));
    }

    /// <summary>
    /// Rows or columns of the patch grid that are padding at each end. The products are evaluated as the reference writes them
    /// (scale first), since truncation shows the last bit; Hugging Face rounds to 7 decimals before truncating, which for all
    /// sizes equals the exact integer quotient.
    /// </summary>
    private static (int FirstRow, int FirstColumn) Unpad(PinpointOrder order, int width, int height, int rows, int columns)
    {
        if ((double)width / height > (double)columns / rows)
        {
            var kept = order == PinpointOrder.HeightWidth
                ? (int)((long)height * columns / width)
                : (int)(height * ((double)columns / width));
            return ((rows - kept) / 2, 0);
        }
        else
        {
            var kept = order == PinpointOrder.HeightWidth
                ? (int)((long)width * rows / height)
                : (int)(width * ((double)rows / height));
            return (0, (columns - kept) / 2);
        }
    }
}
