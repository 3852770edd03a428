using System.Globalization;

namespace LlavaCluster.Core.Imaging;

/// <summary>
/// Pictures to the tiles that a checkpoint's vision tower was trained on, equal to the reference in every byte (LLaVA-NeXT's
/// <c>process_anyres_image</c>, CLIP's image processor, the original project's <c>expand2square</c>). Immutable: any thread,
/// several at once; large pictures use a few threads.
/// </summary>
public sealed class ImagePreprocessor
{
    private readonly ImageProcessing _processing;
    private readonly PixelLevels _levels;

    /// <summary>For one checkpoint.</summary>
    /// <exception cref="ArgumentException">The settings contradict themselves; the message is <see cref="ImageProcessing.Problem"/>.</exception>
    public ImagePreprocessor(ImageProcessing processing)
    {
        if (processing.Problem is { } problem)
        {
            throw new ArgumentException(problem, nameof(processing));
        }

        _processing = processing;
        _levels = new PixelLevels(processing);
    }

    /// <summary>Cuts a picture into its tiles.</summary>
    public ImageTiles Process(PixelBuffer picture)
    {
        var geometry = AnyResGrid.Layout(_processing, picture.Width, picture.Height);
        var side = _processing.TileSide;
        var tiles = new TilePlanes(geometry.Tiles, side);
        switch (_processing.Mode)
        {
            case ImageMode.AnyRes:
                tiles.Paste(BicubicResize.Resize(picture, side, side), side, side, firstTile: 0, columns: 1, left: 0, top: 0);
                // The odd pixel of padding goes to the right and the bottom.
                tiles.Paste(
                    BicubicResize.Resize(picture, geometry.ResizedWidth, geometry.ResizedHeight),
                    geometry.ResizedWidth,
                    geometry.ResizedHeight,
                    firstTile: 1,
                    geometry.GridColumns,
                    (geometry.CanvasWidth - geometry.ResizedWidth) / 2,
                    (geometry.CanvasHeight - geometry.ResizedHeight) / 2);
                break;
            case ImageMode.BaseTile:
                tiles.Paste(BicubicResize.Resize(picture, side, side), side, side, firstTile: 0, columns: 1, left: 0, top: 0);
                break;
            case ImageMode.CentreCrop:
                tiles.Paste(CentreCrop(picture), side, side, firstTile: 0, columns: 1, left: 0, top: 0);
                break;
            case ImageMode.PadToSquare:
                tiles.Paste(PadToSquare(picture), side, side, firstTile: 0, columns: 1, left: 0, top: 0);
                break;
        }

        return new ImageTiles(geometry, side, tiles.Bytes, _levels);
    }

    /// <summary>CLIP: the shortest edge becomes the tile's side, the middle is kept. Only the middle is computed.</summary>
    private byte[] CentreCrop(PixelBuffer picture)
    {
        var side = _processing.TileSide;
        int shortest = Math.Min(picture.Width, picture.Height), longest = Math.Max(picture.Width, picture.Height);
        // get_resize_output_image_size: int(size * long / short)
        var stretched = (int)((double)((long)side * longest) / shortest);
        var (width, height) = picture.Width <= picture.Height ? (side, stretched) : (stretched, side);
        var window = new PixelWindow((width - side) / 2, (height - side) / 2, side, side);
        return BicubicResize.Resize(new ResampleSource(picture), width, height, window, BicubicResize.WidestLanes);
    }

    /// <summary>The original project's expand2square: a square of the mean colour with the picture in its middle, then resized.</summary>
    private byte[] PadToSquare(PixelBuffer picture)
    {
        var side = _processing.TileSide;
        var square = Math.Max(picture.Width, picture.Height);
        var mean = (Background(0), Background(1), Background(2));
        var source = new ResampleSource(
            picture, square, square, (square - picture.Width) / 2, (square - picture.Height) / 2, mean);
        return BicubicResize.Resize(source, side, side, new PixelWindow(0, 0, side, side), BicubicResize.WidestLanes);
    }

    /// <summary>int(x * 255), where the reference has x in double: the shortest digits of our float are those of the file.</summary>
    private byte Background(int channel)
    {
        var written = _processing.Mean[channel].ToString("R", CultureInfo.InvariantCulture);
        return (byte)(double.Parse(written, CultureInfo.InvariantCulture) * 255);
    }
}
