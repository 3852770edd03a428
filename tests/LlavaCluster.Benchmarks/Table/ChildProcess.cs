using System.Diagnostics;
using System.Text.Json;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>Measures a row in a process of its own.</summary>
internal static class ChildProcess
{
    /// <summary>Starts this program again for one row.</summary>
    /// <exception cref="InvalidOperationException">It failed; its message is on the terminal.</exception>
    public static async Task<RowResult> MeasureAsync(string row, TableRun run, CancellationToken cancellationToken)
    {
        var info = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            ArgumentList =
            {
                "table", "--child", "--only", row, "--data", run.Data, "--threads", $"{run.Threads}", "--device", run.DeviceName,
            },
        };
        if (Path.GetFileNameWithoutExtension(info.FileName) == "dotnet")
        {
            info.ArgumentList.Insert(0, Environment.GetCommandLineArgs()[0]); // started as dotnet FILE.dll
        }

        if (run.Kernels is { } kernels)
        {
            info.ArgumentList.Add("--kernels");
            info.ArgumentList.Add($"{kernels}");
        }

        if (run.Quick)
        {
            info.ArgumentList.Add("--quick");
        }

        using var process = Process.Start(info)!;
        try
        {
            var text = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0
                ? JsonSerializer.Deserialize<RowResult>(text)!
                : throw new InvalidOperationException($"The process that measures '{row}' ended with exit code {process.ExitCode}.");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    /// <summary>What the parent reads.</summary>
    public static void Answer(RowResult result) => Console.WriteLine(JsonSerializer.Serialize(result));
}
