using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Benchmarks.Preprocessing;

/// <summary>What Pillow took, milliseconds.</summary>
/// <param name="Decode">Open, turn upright, convert to RGB.</param>
/// <param name="Cut">Both resizes, canvas, tiles, rescale and normalise.</param>
/// <param name="All">Median of the sums.</param>
/// <param name="Version">Pillow's and numpy's versions.</param>
internal sealed record PillowTimes(double Decode, double Cut, double All, string Version);

/// <summary>Times the same work by Pillow and numpy in a Python process.</summary>
internal static class PillowRun
{
    private const string Script = """
        import io, json, statistics, sys, time
        import PIL, numpy as np
        from PIL import Image, ImageOps
        path, side, cw, ch, rw, rh, runs = sys.argv[1], *map(int, sys.argv[2:8])
        mean, std, scale = (np.array(json.loads(a), np.float32) for a in sys.argv[8:11])
        mean, std = mean[:, None, None], std[:, None, None]
        data = open(path, "rb").read()
        decodes, cuts = [], []
        for run in range(-3, runs):
            a = time.perf_counter()
            image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
            image.load()
            b = time.perf_counter()
            canvas = Image.new("RGB", (cw, ch))
            canvas.paste(image.resize((rw, rh), Image.BICUBIC), ((cw - rw) // 2, (ch - rh) // 2))
            tiles = [np.asarray(image.resize((side, side), Image.BICUBIC))]
            pixels = np.asarray(canvas)
            tiles += [pixels[y:y + side, x:x + side] for y in range(0, ch, side) for x in range(0, cw, side)]
            stacked = np.stack([t.transpose(2, 0, 1) for t in tiles])
            result = (stacked.astype(np.float32) * scale - mean) / std
            c = time.perf_counter()
            if run >= 0:
                decodes.append((b - a) * 1000)
                cuts.append((c - b) * 1000)
        median = statistics.median
        print(json.dumps([median(decodes), median(cuts), median([a + b for a, b in zip(decodes, cuts)]),
                          f"Pillow {PIL.__version__}, numpy {np.__version__}"]))
        """;

    /// <summary>The times, or null where no Python with PIL and numpy is found.</summary>
    public static PillowTimes? Measure(byte[] jpeg, ImageProcessing processing, int runs)
    {
        var python = new[] { "/usr/bin/python3", "python3" }.FirstOrDefault(p => Run(p, ["-c", "import PIL, numpy"]) is not null);
        if (python is null)
        {
            return null;
        }

        var info = ImageHeader.Read(jpeg);
        var layout = AnyResGrid.Layout(processing, info.Width, info.Height);
        var folder = Directory.CreateTempSubdirectory("llava-benchmark-");
        try
        {
            var path = Path.Combine(folder.FullName, "photo.jpg");
            File.WriteAllBytes(path, jpeg);
            var numbers = new[]
            {
                processing.TileSide, layout.CanvasWidth, layout.CanvasHeight, layout.ResizedWidth, layout.ResizedHeight, runs,
            }.Select(n => n.ToString(CultureInfo.InvariantCulture));
            var output = Run(python,
            [
                "-c", Script, path, .. numbers,
                JsonSerializer.Serialize(processing.Mean), JsonSerializer.Serialize(processing.Std),
                processing.RescaleFactor.ToString("R", CultureInfo.InvariantCulture),
            ]);
            using var json = JsonDocument.Parse(output ?? throw new InvalidOperationException($"{python} failed; its message is above."));
            var times = json.RootElement;
            return new PillowTimes(times[0].GetDouble(), times[1].GetDouble(), times[2].GetDouble(), times[3].GetString()!);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Standard output, or null when the program is not there or fails.</summary>
    private static string? Run(string program, IReadOnlyList<string> arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
