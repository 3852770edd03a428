using LlavaCluster.Core.Imaging;
using SkiaSharp;

namespace LlavaCluster.Training.Drawing;

/// <summary>
/// What befalls a picture on its way from a drawing program to a model: drawn at another size and rescaled, blurred a little,
/// colours shifted, noise, JPEG. In this order.
/// </summary>
/// <param name="DrawnScale">The picture is painted at this multiple of its size and then rescaled; 1 for none.</param>
/// <param name="Rescaling">How it is rescaled.</param>
/// <param name="Blur">Standard deviation of the blur, pixels; 0 for none.</param>
/// <param name="Tone">Each channel's new values, or null.</param>
/// <param name="Noise">Standard deviation of the noise, 0–255; 0 for none.</param>
/// <param name="JpegQuality">40–95, or null.</param>
internal sealed record PictureWear(
    double DrawnScale, SKSamplingOptions Rescaling, double Blur, byte[][]? Tone, double Noise, int? JpegQuality)
{
    private static readonly SKSamplingOptions[] Rescalings =
    [
        new(SKFilterMode.Linear),
        new(SKCubicResampler.Mitchell),
        new(SKCubicResampler.CatmullRom),
    ];

    /// <summary>Wear of chance that leaves everything on the scene recognisable.</summary>
    public static PictureWear OfChance(Scene scene, SceneMix mix, Chance chance)
    {
        if (!chance.Flip(mix.WearShare))
        {
            return new PictureWear(1, default, 0, null, 0, null);
        }

        // The model sees the canvas: what is finer is lost anyway, what is coarser would lose small letters.
        var canvas = ReadingSize.Of(1, scene.Width, scene.Height, mix).Canvas;
        var letters = scene.Text is { } text ? 7.5 / text.Height : 0;
        var coarsest = Math.Min(1, Math.Max(Math.Max(canvas, letters), 0.3));
        var finest = Math.Min(1.6, (double)mix.MaxSide / Math.Max(scene.Width, scene.Height));
        var mostBlur = scene.Text is { } word ? 0.07 * word.Height : double.MaxValue;
        return new PictureWear(
            chance.Flip(0.35) ? chance.LogBetween(coarsest, Math.Max(coarsest, finest)) : 1,
            chance.Pick(Rescalings),
            chance.Flip(0.25) ? Math.Min(chance.Between(0.3, 0.7) * Math.Max(1, 0.8 / canvas), mostBlur) : 0,
            chance.Flip(0.35) ? ShiftedTone(chance) : null,
            chance.Flip(0.2) ? chance.Between(1, 9) : 0,
            chance.Flip(0.45) ? 40 + chance.Below(56) : null);
    }

    /// <summary>The worn pixels of a bitmap painted at the drawn scale; the bitmap is disposed.</summary>
    public PixelBuffer Apply(SKBitmap painted, int width, int height, Chance chance)
    {
        var bitmap = painted;
        try
        {
            if (bitmap.Width != width || bitmap.Height != height || Blur > 0)
            {
                bitmap = Redrawn(bitmap, width, height);
            }

            if (Noise > 0)
            {
                PixelNoise.Add(bitmap, Noise, chance);
            }

            return JpegQuality is { } quality ? ThroughJpeg(bitmap, quality) : Pixels(bitmap);
        }
        finally
        {
            bitmap.Dispose();
            painted.Dispose();
        }
    }

    private SKBitmap Redrawn(SKBitmap bitmap, int width, int height)
    {
        var redrawn = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(redrawn);
        using var image = SKImage.FromBitmap(bitmap);
        using var paint = new SKPaint { BlendMode = SKBlendMode.Src };
        using var blur = Blur > 0 ? SKImageFilter.CreateBlur((float)Blur, (float)Blur, SKShaderTileMode.Clamp, null) : null;
        paint.ImageFilter = blur;
        var sampling = bitmap.Width == width && bitmap.Height == height ? SKSamplingOptions.Default : Rescaling;
        canvas.DrawImage(image, new SKRect(0, 0, width, height), sampling, paint);
        canvas.Flush();
        return redrawn;
    }

    private PixelBuffer ThroughJpeg(SKBitmap bitmap, int quality)
    {
        using var data = bitmap.Encode(SKEncodedImageFormat.Jpeg, quality);
        using var codec = SKCodec.Create(data);
        using var decoded = SKBitmap.Decode(codec, bitmap.Info);
        return Pixels(decoded);
    }

    /// <summary>Four bytes per pixel become three, in the new tone.</summary>
    private PixelBuffer Pixels(SKBitmap bitmap)
    {
        var rgb = GC.AllocateUninitializedArray<byte>(bitmap.Width * bitmap.Height * 3);
        var source = bitmap.GetPixelSpan();
        var at = 0;
        for (var y = 0; y < bitmap.Height; y++)
        {
            var row = source.Slice(y * bitmap.RowBytes, bitmap.Width * 4);
            if (Tone is { } tone)
            {
                byte[] red = tone[0], green = tone[1], blue = tone[2];
                for (var i = 0; i < row.Length; i += 4, at += 3)
                {
                    (rgb[at], rgb[at + 1], rgb[at + 2]) = (red[row[i]], green[row[i + 1]], blue[row[i + 2]]);
                }
            }
            else
            {
                for (var i = 0; i < row.Length; i += 4, at += 3)
                {
                    (rgb[at], rgb[at + 1], rgb[at + 2]) = (row[i], row[i + 1], row[i + 2]);
                }
            }
        }

        return new PixelBuffer(bitmap.Width, bitmap.Height, rgb);
    }

    /// <summary>Slightly other brightness, contrast and white point; not so much that a colour would get another name.</summary>
    private static byte[][] ShiftedTone(Chance chance)
    {
        double gamma = chance.Between(0.88, 1.14), lift = chance.Between(-6, 10);
        return [.. Enumerable.Range(0, 3).Select(_ =>
        {
            var gain = chance.Between(0.92, 1.04);
            return Enumerable.Range(0, 256)
                .Select(value => (byte)Math.Clamp(Math.Round((255 * gain * Math.Pow(value / 255.0, gamma)) + lift), 0, 255))
                .ToArray();
        })];
    }
}
