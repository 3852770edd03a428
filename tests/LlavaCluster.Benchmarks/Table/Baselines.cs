using System.Diagnostics;
using System.Runtime.InteropServices;
using LlavaCluster.Benchmarks.Kernels;
using LlavaCluster.Model.Kernels;
using static TorchSharp.torch;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>How fast this machine reads memory: our own streaming read of far more than the caches hold.</summary>
internal sealed unsafe class ReadBaseline(int threads) : IDisposable
{
    private const long Bytes = 384L << 20;

    private readonly byte* _memory = StreamingRead.Reserve(Bytes);

    /// <summary>Bytes per second of one pass.</summary>
    public double Rate()
    {
        var reading = new StreamingRead(_memory, Bytes);
        var start = Stopwatch.GetTimestamp();
        WorkerPool.Of(threads).Run(reading);
        return Bytes / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(_memory);
}

/// <summary>How fast this machine multiplies matrices: torch's bfloat16 product of [512, 4096] and [4096, 4096].</summary>
internal sealed class ProductBaseline : IDisposable
{
    private const int Rows = 512, Side = 4096, Runs = 3;

    private readonly Tensor _x = randn(Rows, Side).to(ScalarType.BFloat16);
    private readonly Tensor _weight = randn(Side, Side).to(ScalarType.BFloat16);

    /// <summary>Operations per second, the best of a few products; a multiplication and its addition are two.</summary>
    public double Rate()
    {
        using var mode = inference_mode();
        var best = 0.0;
        for (var run = 0; run < Runs; run++)
        {
            var start = Stopwatch.GetTimestamp();
            using var y = nn.functional.linear(_x, _weight);
            best = Math.Max(best, 2.0 * Rows * Side * Side / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _x.Dispose();
        _weight.Dispose();
    }
}
