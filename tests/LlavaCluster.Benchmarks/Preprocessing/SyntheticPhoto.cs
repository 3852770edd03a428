using SkiaSharp;

namespace LlavaCluster.Benchmarks.Preprocessing;

/// <summary>A picture that costs a JPEG decoder about what a photo does: soft colours, edges, texture and sensor noise. The same each time.</summary>
internal static class SyntheticPhoto
{
    /// <summary>A JPEG of quality 90 with 4:2:0 chroma.</summary>
    public static unsafe byte[] Jpeg(int width, int height, int seed)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var random = new Random(seed);
        var noise = new sbyte[1 << 16];
        for (var i = 0; i < noise.Length; i++)
        {
            noise[i] = (sbyte)(random.Next(-7, 8) + random.Next(-7, 8));
        }

        var pixels = (uint*)bitmap.GetPixels();
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                double u = (double)x / width, v = (double)y / height;
                var light = 110 + (70 * Math.Sin((5 * u) + (3 * v))) + (25 * Math.Sin(40 * u * v));
                var edge = ((x / 180) + (y / 230)) % 3 == 0 ? 35 : 0;
                var texture = 12 * Math.Sin(x * 0.9) * Math.Sin(y * 0.7);
                var grain = noise[((x * 7919) + (y * 104_729)) & 0xFFFF];
                pixels[((long)y * width) + x] = Level(light + edge + texture + grain)
                    | (Level((light * 0.9) + (50 * u) + texture + grain) << 8)
                    | (Level((light * 0.7) + (80 * v) - edge + grain) << 16)
                    | 0xFF000000;
            }
        }

        using var pixmap = bitmap.PeekPixels();
        using var encoded = pixmap.Encode(new SKJpegEncoderOptions(90, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore))
            ?? throw new InvalidOperationException("SkiaSharp did not encode the picture.");
        return encoded.ToArray();
    }

    private static uint Level(double value) => (uint)Math.Clamp(value, 0, 255);
}
