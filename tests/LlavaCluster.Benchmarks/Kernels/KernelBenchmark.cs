using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using LlavaCluster.Model;
using LlavaCluster.Model.Kernels;

namespace LlavaCluster.Benchmarks.Kernels;

/// <summary>
/// The product of decoding: a few rows times bfloat16 weights that come from memory, beside reading the same memory and doing nothing.
/// Goals: one row at 0.90 of the reading; sixteen rows in at most twice the time of one.
/// </summary>
internal static unsafe class KernelBenchmark
{
    private const double ReadGoal = 0.90, BatchGoal = 8;

    /// <summary>Bytes of weights that a run goes through: far more than the caches hold.</summary>
    private const long Memory = 384L << 20;

    /// <summary>The layers of the bench preset and of a 7B model.</summary>
    private static readonly (int Outputs, int Inputs)[] Shapes =
        [(3072, 1024), (5632, 1024), (1024, 2816), (12288, 4096), (22016, 4096), (4096, 11008)];

    /// <summary>The <c>kernels</c> command.</summary>
    public static Command Command()
    {
        var threads = new Option<int>("--threads") { DefaultValueFactory = _ => Environment.ProcessorCount, Description = "Workers." };
        var runs = new Option<int>("--runs") { DefaultValueFactory = _ => 5, Description = "Timed runs; the fastest counts." };
        var command = new Command("kernels", "Products of decoding beside plain reading of memory.") { threads, runs };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(threads), parsed.GetRequiredValue(runs)));
        return command;
    }

    private static int Run(int threads, int runs)
    {
        TensorDevice.UseThreads(threads);
        var pool = WorkerPool.Of(threads);
        var weights = StreamingRead.Reserve(Memory);
        var kernel = KernelPaths.Kernel(KernelPaths.Best);
        using var product = new MatrixProduct(kernel, pool);
        var reading = new StreamingRead(weights, Memory);
        Console.WriteLine($"{threads} threads, {KernelPaths.Best}, bfloat16 weights of {Memory >> 20} MiB; fastest of {runs} runs after one");
        Console.WriteLine("outputs × inputs   reading GB/s   1 row GB/s   ratio   16 rows: tokens/s × of one");
        var met = true;
        foreach (var (outputs, inputs) in Shapes)
        {
            // In turn, since what the memory gives changes with its neighbours.
            var (read, one, many) = (double.MaxValue, double.MaxValue, double.MaxValue);
            for (var run = -1; run < runs; run++)
            {
                var (r, a, b) = (Time(() => pool.Run(reading)), Multiply(1), Multiply(16));
                if (run >= 0)
                {
                    (read, one, many) = (Math.Min(read, r), Math.Min(one, a), Math.Min(many, b));
                }
            }

            var matrices = (int)(Memory / (2L * outputs * inputs));
            var (readRate, oneRate) = (Memory / read / 1e9, matrices * 2.0 * outputs * inputs / one / 1e9);
            var (ratio, batch) = (oneRate / readRate, 16 * one / many);
            met &= ratio >= ReadGoal && batch >= BatchGoal;
            Console.WriteLine($"{outputs,7} × {inputs,-7} {readRate,12:F1} {oneRate,12:F1} {ratio,7:F2} {batch,15:F1}");

            double Multiply(int rows)
            {
                // The numbers mean nothing: tiles that nobody has turned are read as fast.
                var tiled = kernel.TakesTiles(NumberForm.BFloat16) ? outputs / TileOrder.Outputs * TileOrder.Outputs : 0;
                var x = (byte*)NativeMemory.AllocZeroed((nuint)(rows * inputs * 2));
                var y = (byte*)NativeMemory.AllocZeroed((nuint)(rows * outputs * 2));
                var time = Time(() =>
                {
                    for (var at = 0L; at + (2L * outputs * inputs) <= Memory; at += 2L * outputs * inputs)
                    {
                        product.Compute(NumberForm.BFloat16, x, rows, weights + at, outputs, inputs, y, tiled: tiled);
                    }
                });
                NativeMemory.Free(x);
                NativeMemory.Free(y);
                return time;
            }
        }

        NativeMemory.AlignedFree(weights);
        Console.WriteLine($"goals: ratio ≥ {ReadGoal:F2}, 16 rows ≥ {BatchGoal} × one: {(met ? "met" : "missed")}");
        GC.KeepAlive(reading);
        return met ? 0 : 1;
    }

    private static double Time(Action work)
    {
        var start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
