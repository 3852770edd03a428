using System.CommandLine;
using System.Diagnostics;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Model.Vision;

namespace LlavaCluster.Benchmarks.Preprocessing;

/// <summary>
/// From the bytes of a photo to normalised tiles, beside Pillow's own time for the same on the same file. Goal: at most 1.5 times.
/// </summary>
internal static class PreprocessBenchmark
{
    private const double Goal = 1.5;

    /// <summary>The <c>preprocess</c> command.</summary>
    public static Command Command()
    {
        var width = new Option<int>("--width") { DefaultValueFactory = _ => 4000, Description = "Pixels of a row." };
        var height = new Option<int>("--height") { DefaultValueFactory = _ => 3000, Description = "Rows." };
        var runs = new Option<int>("--runs") { DefaultValueFactory = _ => 15, Description = "Timed runs; the median counts." };
        var command = new Command("preprocess", "Decode, resize and tile a 12-megapixel JPEG; compare with Pillow.") { width, height, runs };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(width), parsed.GetRequiredValue(height), parsed.GetRequiredValue(runs)));
        return command;
    }

    private static int Run(int width, int height, int runs)
    {
        var jpeg = SyntheticPhoto.Jpeg(width, height, seed: 1);
        var decoder = new ImageDecoder();
        var preprocessor = new ImagePreprocessor(Processing);
        var limits = new ImageLimits();
        Console.WriteLine($"{width}×{height} JPEG, quality 90, {jpeg.Length:N0} bytes; {Environment.ProcessorCount} processors, "
            + $"vectors of {BicubicResize.WidestLanes} bits; medians of {runs} runs after 3");

        // Decode and cut in turn, as a server does, so that each finds the caches as the other left them.
        var (decode, cut) = (new double[runs], new double[runs]);
        for (var run = -3; run < runs; run++)
        {
            var start = Stopwatch.GetTimestamp();
            var picture = decoder.Decode(jpeg, limits);
            var decoded = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            start = Stopwatch.GetTimestamp();
            var tiles = preprocessor.Process(picture);
            if (run >= 0)
            {
                (decode[run], cut[run]) = (decoded, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            GC.KeepAlive(tiles);
        }

        var all = Median(decode.Zip(cut, (a, b) => a + b));
        Console.WriteLine($"ours    decode {Median(decode),7:F1} ms   resize and tiles {Median(cut),7:F1} ms   all {all,7:F1} ms");
        if (PillowRun.Measure(jpeg, Processing, runs) is not { } pillow)
        {
            Console.WriteLine("Pillow: no python3 with PIL and numpy here, nothing to compare with (Debian: python3-pil, python3-numpy).");
            return 0;
        }

        var ratio = all / pillow.All;
        Console.WriteLine($"Pillow  decode {pillow.Decode,7:F1} ms   resize and tiles {pillow.Cut,7:F1} ms   all {pillow.All,7:F1} ms   ({pillow.Version})");
        Console.WriteLine($"ratio   decode {Median(decode) / pillow.Decode,7:F2}      resize and tiles {Median(cut) / pillow.Cut,7:F2}      all {ratio,7:F2}   goal ≤ {Goal}");
        return ratio <= Goal ? 0 : 1;
    }

    /// <summary>The published LLaVA-NeXT settings.</summary>
    private static ImageProcessing Processing { get; } = new()
    {
        Mode = ImageMode.AnyRes,
        TileSide = 336,
        PatchSide = 14,
        Pinpoints = [(336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008)],
        Order = PinpointOrder.HeightWidth,
        Mean = [0.48145466f, 0.4578275f, 0.40821073f],
        Std = [0.26862954f, 0.26130258f, 0.27577711f],
    };

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
